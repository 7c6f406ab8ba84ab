//! Guests under QEMU's `microvm`, with KVM or TCG; the only place that knows QEMU and QMP.
//!
//! Nothing is left behind: streams are pairs of sockets, the image is an anonymous file, and the
//! process dies with the thread that started it, however that thread ends.

mod args;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod keeper;
mod lines;
mod memory_file;
mod needs;
mod process;
mod qmp;

pub use args::machine;

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, pidfd_send_signal};

use super::LaunchError;
use crate::guest::{Guest, Heard, Machine};
use crate::host::Accel;
use crate::jail::Layers;
use crate::spec::{AccelPlan, LaunchSpec};
use keeper::{Keeper, Line, Shared};

/// What is looked up in `PATH` unless another program is named.
pub(super) const PROGRAM: &str = "qemu-system-x86_64";

/// Starts a QEMU process for each guest.
#[derive(Clone, Debug)]
pub struct Qemu {
    program: OsString,
}

impl Default for Qemu {
    fn default() -> Self {
        Self::new(PROGRAM)
    }
}

impl Qemu {
    /// Uses this program, looked up in `PATH` unless it is a path.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into() }
    }

    pub(super) fn launch(&self, spec: &LaunchSpec, plan: AccelPlan) -> Result<Guest, LaunchError> {
        let (ours, theirs) =
            UnixStream::pair().map_err(LaunchError::system("make a pair of sockets"))?;
        let image = spec
            .image
            .read()
            .and_then(|bytes| memory_file::sealed(&bytes))
            .map_err(LaunchError::system("hold the image in memory"))?;
        let confinement = spec.jail.around(&needs::of(&self.program, plan.first))?;
        let jail = confinement.as_ref().map(|confinement| confinement.layers);
        let heard = Heard::default();
        let far = ours.try_clone().map_err(LaunchError::system("copy a socket"))?;
        let shared = Arc::new(Shared::new(plan.first));
        let (started, start) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let keeper = Keeper {
            program: self.program.clone(),
            spec: spec.clone(),
            accels: plan,
            image,
            call: Line { guest: theirs, launcher: far, heard: heard.clone() },
            confinement,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name("qemu".to_owned())
            .spawn(move || keeper.keep(&started, &ended))
            .map_err(LaunchError::system("start a thread"))?;
        start.recv().map_err(|_| LaunchError::KeeperLost)??;
        Ok(Guest::new(ours, Box::new(QemuMachine { shared, jail }), end).telling(heard))
    }
}

/// A QEMU process, as its guest's owner sees it.
#[derive(Debug)]
struct QemuMachine {
    shared: Arc<Shared>,
    jail: Option<Layers>,
}

impl Machine for QemuMachine {
    fn stop(&self) {
        let mut state = self.shared.lock();
        state.is_stopped = true;
        if let Some(process) = &state.process {
            // An error means that it has ended.
            let _ = pidfd_send_signal(&process.descriptor, Signal::KILL);
        }
    }

    fn peak_memory_bytes(&self) -> Option<u64> {
        let pid = self.shared.lock().process.as_ref()?.pid;
        peak_memory_bytes(&std::fs::read_to_string(proc_path(pid, "status")).ok()?)
    }

    fn cpu_time(&self) -> Option<Duration> {
        let pid = self.shared.lock().process.as_ref()?.pid;
        cpu_time(&std::fs::read_to_string(proc_path(pid, "stat")).ok()?)
    }

    fn jail(&self) -> Option<Layers> {
        self.jail
    }

    fn accel(&self) -> Accel {
        self.shared.lock().accel
    }
}

fn proc_path(pid: Pid, name: &str) -> String {
    format!("/proc/{}/{name}", pid.as_raw_nonzero())
}

/// The processor time of all threads that `/proc/PID/stat` tells of (proc_pid_stat(5), fields 14 and
/// 15), in steps of some 10 ms.
fn cpu_time(stat: &str) -> Option<Duration> {
    // The program's name, in parentheses, may have any characters.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = ticks(11)?.checked_add(ticks(12)?)?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks.checked_mul(1000)? / per_second.max(1)))
}

/// The greatest resident size that `/proc/PID/status` tells of, in bytes.
fn peak_memory_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::guest::GuestEnd;
    use crate::image::{Image, sample::Sample};
    use crate::jail::Jail;
    use crate::spec::Notice;

    #[test]
    fn the_peak_is_read_from_the_status_of_a_process() {
        assert_eq!(peak_memory_bytes("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_memory_bytes("Name:\tx\n"), None);
    }

    #[test]
    fn processor_time_is_read_whatever_the_program_s_name() {
        let stat = "7 (a b) c) S 1 1 1 0 -1 4 5 6 7 8 250 50 0 0 20 0 1 0 9";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("7 (a) S 1"), None);
    }

    const TCG: AccelPlan = AccelPlan { first: Accel::Tcg, may_fall_back: false };

    fn spec() -> LaunchSpec {
        let image = Image::from_bytes(Sample::default().build()).expect("a good image");
        LaunchSpec {
            image: Arc::new(image),
            exits_per_second: None,
            memory_bytes: 16 << 20,
            is_measured: false,
            jail: Jail::none(),
            notice: Notice::default(),
            trace: Notice::default(),
        }
    }

    #[test]
    fn a_missing_program_says_what_to_do() {
        let qemu = Qemu::new("no-such-monitor");
        let error = qemu.launch(&spec(), TCG).expect_err("not there");
        let told = "no-such-monitor was not found: correct AMPOULE_QEMU, or leave it unset";
        assert_eq!(error.to_string(), told);
        let error = LaunchError::NoMonitor { program: PROGRAM.to_owned() }.to_string();
        assert!(error.contains("install QEMU (`sudo apt-get install qemu-system-x86`)"), "{error}");
    }

    /// A monitor that is a shell script, in a directory that goes with the returned value.
    fn script(text: &str) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("monitor");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        (directory, program)
    }

    #[test]
    fn nothing_of_the_launcher_s_surroundings_is_handed_on() {
        let text = "env > \"$0.env\"; ls /proc/self/fd > \"$0.fds\"; exit 1";
        let (directory, program) = script(text);
        let null = fs::File::open("/dev/null").expect("a file");
        let inherited = rustix::io::fcntl_dupfd_cloexec(&null, 100).expect("a copy");
        rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).expect("inheritable");
        let guest = Qemu::new(program).launch(&spec(), TCG).expect("a start");
        assert!(matches!(guest.wait(Duration::from_secs(60)), Some(GuestEnd::Failed(_))));
        let read = |name| fs::read_to_string(directory.path().join(name)).expect("written");
        let (variables, descriptors) = (read("monitor.env"), read("monitor.fds"));
        let names = variables.lines().filter_map(|line| Some(line.split_once('=')?.0));
        // A shell sets the last three by itself.
        let known = ["PATH", "LD_LIBRARY_PATH", "PWD", "SHLVL", "_"];
        let others: Vec<_> = names.filter(|name| !known.contains(name)).collect();
        assert!(others.is_empty(), "{others:?}");
        let number = inherited.as_raw_fd().to_string();
        assert!(descriptors.lines().any(|line| line == "5"), "{descriptors}");
        assert!(descriptors.lines().all(|line| line != number), "{descriptors}");
    }

    #[test]
    fn a_second_attempt_that_cannot_start_ends_the_guest() {
        let (_directory, program) = script("rm \"$0\"; exit 1");
        let plan = AccelPlan { first: Accel::Kvm, may_fall_back: true };
        let guest = Qemu::new(program).launch(&spec(), plan).expect("a first attempt");
        match guest.wait(Duration::from_secs(60)) {
            Some(GuestEnd::Failed(why)) => assert!(why.contains("was not found"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
