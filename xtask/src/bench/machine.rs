//! What figures depend on, told beside them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::doctor;
use crate::launcher::checkout;

/// Where and when figures were taken.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors that may be used.
    pub processors: usize,
    /// The kernel's release.
    pub kernel: String,
    /// What QEMU says of itself; empty if there is none.
    pub qemu: String,
    /// Processes that wanted to run in the last minute, on average, before anything was measured.
    pub load_1min: f64,
    /// The commit that was checked out, with `-dirty` if it was changed.
    pub commit: String,
}

impl Machine {
    /// Reads it off this machine; what cannot be read is empty.
    pub fn read() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        let information = file("/proc/cpuinfo");
        let processor = information.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        });
        let load = file("/proc/loadavg");
        Self {
            processor: processor.unwrap_or_default(),
            processors: std::thread::available_parallelism().map_or(0, Into::into),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            qemu: qemu_version(),
            load_1min: load.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0.0),
            commit: first_line(
                Command::new("git")
                    .args(["describe", "--always", "--dirty", "--abbrev=12"])
                    .current_dir(checkout()),
            ),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
        write!(
            f,
            "{}, {} processors, Linux {}, {}, load {:.2}, commit {}",
            self.processor,
            self.processors,
            self.kernel,
            or(&self.qemu, "no QEMU"),
            self.load_1min,
            or(&self.commit, "unknown")
        )
    }
}

/// The QEMU that the launcher takes too.
pub fn qemu() -> OsString {
    std::env::var_os("AMPOULE_QEMU").unwrap_or_else(|| OsStr::new(doctor::qemu::PROGRAM).into())
}

/// What QEMU says of itself; empty if there is none.
pub fn qemu_version() -> String {
    first_line(Command::new(qemu()).arg("--version"))
}

fn first_line(command: &mut Command) -> String {
    let text = command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
