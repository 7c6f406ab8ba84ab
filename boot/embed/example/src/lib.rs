//! Lists what is in a ZIP archive, without reading one byte of it in this process: the reader is a
//! function, included in this program as an image, and each archive is read in a machine of its own.
//!
//! What the reader can do at worst is to end its machine: it has no files, no network, 32 MiB of memory,
//! 5 seconds and 1 MiB of answer. The answer is shown only once the reader has ended well.
//!
//! No `Jail`: it would confine this whole process for good, which goes on to the next archive. A program
//! that makes one call and ends should have one; `boot/examples/confined.rs` does.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ampoule_boot::backend::Backend;
use ampoule_boot::host::AccelChoice;
use ampoule_boot::spec::Notice;
use ampoule_boot::{Call, Image, Outcome, Reason};

/// More than any honest archive's directory needs.
const OUTPUT_BYTES: u64 = 1 << 20;
const MEMORY_BYTES: u64 = 32 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where machines are made.
#[derive(Clone, Copy, Debug, Default)]
pub enum Monitor {
    /// The built-in monitor where there is KVM, and QEMU without it elsewhere, which is told.
    #[default]
    Best,
    /// The built-in monitor.
    BuiltIn,
    /// QEMU, with KVM.
    QemuKvm,
    /// QEMU, with neither KVM nor any other support of the processor's.
    QemuTcg,
}

/// Why there is no list.
#[derive(Debug)]
pub enum Failure {
    /// The archive is none, the reader says; its words.
    NotAnArchive(String),
    /// The archive has brought the reader down, or to a limit.
    Hostile(String),
    /// The archive has nothing to do with it.
    Failed(String),
}

/// The list, one entry a line.
pub fn list(archive: &Path, monitor: Monitor) -> Result<String, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Failed(why.to_string());
    let file = File::open(archive).map_err(|why| failed(&why))?;
    // Its bytes are a part of this program. `build.rs` has made and checked them.
    let image = ampoule_boot::include_image!("zip-reader").map_err(|why| failed(&why))?;
    let (answer, complaint) = (Sink::default(), Sink::default());
    let outcome = call(image, monitor)
        .run(file, answer.clone(), complaint.clone())
        .map_err(|why| failed(&why))?;
    judge(&outcome, answer.text(), complaint.text())
}

fn call(image: Image, monitor: Monitor) -> Call {
    let call = Call::new(image)
        .memory_bytes(MEMORY_BYTES)
        .timeout(TIMEOUT)
        .output_bytes(OUTPUT_BYTES)
        .notice(Notice::new(|line| eprintln!("lszip: {line}")));
    match monitor {
        Monitor::Best => call,
        Monitor::BuiltIn => call.backend(Backend::BuiltIn),
        Monitor::QemuKvm => call.backend(Backend::Qemu(Default::default())).accel(AccelChoice::Kvm),
        Monitor::QemuTcg => call.backend(Backend::Qemu(Default::default())).accel(AccelChoice::Tcg),
    }
}

fn judge(outcome: &Outcome, answer: String, complaint: String) -> Result<String, Failure> {
    let message = || outcome.message.clone().unwrap_or_default();
    match outcome.reason {
        Reason::Returned if outcome.exit_code == 0 => Ok(answer),
        // The reader's own words, which could be an attacker's by now.
        Reason::Returned => Err(Failure::NotAnArchive(complaint.escape_debug().to_string())),
        Reason::Panicked
        | Reason::Faulted
        | Reason::MachineReset
        | Reason::MachineStuck
        | Reason::OutOfMemory
        | Reason::DeadlineExceeded
        | Reason::OutputExceeded
        | Reason::ProtocolError
        | Reason::StatusOutOfRange => Err(Failure::Hostile(message())),
        _ => Err(Failure::Failed(message())),
    }
}

/// Keeps what is written to it.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
