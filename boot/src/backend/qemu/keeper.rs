//! The thread that starts QEMU, watches it and reaps it.
//!
//! It lives exactly as long as the process, because the kernel kills the process when this
//! thread ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::ioctl_fionread;

use super::process::{self, Plan, Process, Started};
use super::qmp::{self, Observed};
use crate::backend::LaunchError;
use crate::guest::{GuestEnd, Heard};
use crate::host::{self, Accel};
use crate::jail::Confinement;
use crate::spec::{AccelPlan, LaunchSpec};

/// What the keeper and the guest's owner both know.
#[derive(Debug)]
pub(super) struct Shared(Mutex<State>);

#[derive(Debug)]
pub(super) struct State {
    /// The guest's owner wants no more of it.
    pub(super) is_stopped: bool,
    /// The process, from its start on.
    pub(super) process: Option<Process>,
    /// What executes the guest's instructions, or is to.
    pub(super) accel: Accel,
}

impl Shared {
    pub(super) fn new(accel: Accel) -> Self {
        Self(Mutex::new(State { is_stopped: false, process: None, accel }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, so a state is whole whatever its last holder did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the thread needs.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) program: OsString,
    pub(super) spec: LaunchSpec,
    pub(super) accels: AccelPlan,
    pub(super) image: OwnedFd,
    pub(super) call: Line,
    pub(super) confinement: Option<Confinement>,
    pub(super) shared: Arc<Shared>,
}

/// The stream of the call.
#[derive(Debug)]
pub(super) struct Line {
    /// The guest's end: as long as it is held here, the launcher sees no end of the stream, and
    /// another process can take over.
    pub(super) guest: UnixStream,
    /// The launcher's end.
    pub(super) launcher: UnixStream,
    /// Whether anything was read there.
    pub(super) heard: Heard,
}

impl Line {
    /// Whether the guest has said nothing so far.
    fn is_silent(&self) -> bool {
        // In this order: what is read in between is heard of.
        let is_empty = ioctl_fionread(&self.launcher).is_ok_and(|bytes| bytes == 0);
        is_empty && !self.heard.get()
    }
}

/// How one process went.
struct Run {
    observed: Observed,
    status: io::Result<ExitStatus>,
    log: String,
}

impl Run {
    /// Whether it failed before its guest could do anything: KVM that does not work ends QEMU so.
    /// A guest that ran may have taken from the stream what another one would then miss.
    fn never_ran(&self, line: &Line) -> bool {
        let has_failed = !self.status.as_ref().is_ok_and(ExitStatus::success);
        let may_differ = !process::lacks_seccomp(&self.log);
        has_failed && may_differ && self.observed.shutdown.is_none() && line.is_silent()
    }
}

impl Keeper {
    /// Starts QEMU and stays until it is gone. Tells `started` how the start went, and `ended`
    /// once why it is gone.
    pub(super) fn keep(self, started: &Sender<Result<(), LaunchError>>, ended: &Sender<GuestEnd>) {
        let Self { program, spec, accels, image, call, confinement, shared } = self;
        let mut call = Some(call);
        let mut accel = accels.first;
        loop {
            let Some(line) = &call else { return };
            let plan = Plan {
                program: &program,
                accel,
                memory_bytes: spec.memory_bytes,
                image: &image,
                call: &line.guest,
                confinement: confinement.as_ref(),
                trace: &spec.trace,
            };
            // A receiver that is gone is a launcher that gave up.
            let run = match process::start(&plan) {
                Ok(running) => {
                    let _ = started.send(Ok(()));
                    let may_fall_back = accels.may_fall_back && accel == Accel::Kvm;
                    if !may_fall_back {
                        call = None;
                    }
                    watch(running, &shared, &mut call)
                }
                Err(error) => {
                    // Of a first attempt the start is waited for, of a second one the end.
                    let _ = ended.send(GuestEnd::Failed(error.to_string()));
                    return drop(started.send(Err(error)));
                }
            };
            let may_retry = call.as_ref().is_some_and(|line| run.never_ran(line));
            if may_retry && !shared.lock().is_stopped {
                let problem = process::failure(run.status, &run.log);
                spec.notice.show(&host::fallback_notice(&problem));
                accel = Accel::Tcg;
                shared.lock().accel = accel;
                continue;
            }
            // A receiver that is gone no longer cares.
            let _ = ended.send(end(run, &program, shared.lock().is_stopped));
            return;
        }
    }
}

/// Watches a process to its end. `call` is let go as soon as the machine runs.
fn watch(running: Started, shared: &Shared, call: &mut Option<Line>) -> Run {
    let Started { mut child, process, qmp, log } = running;
    let is_stopped = {
        let mut state = shared.lock();
        state.process = Some(process);
        state.is_stopped
    };
    if is_stopped {
        let _ = child.kill();
    }
    let observed = qmp::watch(qmp, |is_kvm| {
        *call = None;
        shared.lock().accel = if is_kvm { Accel::Kvm } else { Accel::Tcg };
    });
    if observed.is_stuck {
        let _ = child.kill();
    }
    let status = child.wait();
    Run { observed, status, log: log.text() }
}

fn end(run: Run, program: &OsStr, is_stopped: bool) -> GuestEnd {
    let Run { observed, status, log } = run;
    let ended_well = status.as_ref().is_ok_and(ExitStatus::success);
    if !is_stopped && ended_well && !observed.has_greeted {
        let program = program.to_string_lossy();
        return GuestEnd::Failed(format!("{program} ended without a word of QMP: it is no QEMU"));
    }
    if is_stopped {
        GuestEnd::Stopped
    } else if observed.is_stuck {
        GuestEnd::Stuck(first_lines(&log))
    } else if observed.is_guest_s_doing() || (observed.shutdown.is_none() && ended_well) {
        // A machine can be over before the monitor was listening; QEMU then ends well, which
        // nothing but its guest makes it do.
        GuestEnd::Reset
    } else {
        GuestEnd::Failed(process::failure(status, &log))
    }
}

/// What QEMU says of an internal error, before it lists every register.
pub(super) fn first_lines(log: &str) -> String {
    let telling = |line: &&str| !line.contains("warning: ") && !line.starts_with("extra data");
    let is_word = |line: &&str| !line.starts_with("EAX=") && !line.starts_with("RAX=");
    let lines = log.lines().filter(telling).take_while(is_word).take(2);
    let lines: Vec<_> = lines.map(str::trim).collect();
    if lines.is_empty() { "an internal error".to_owned() } else { lines.join(" ") }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;

    use ::qapi::qmp::ShutdownCause;

    use super::*;

    fn run(observed: Observed, raw_status: i32) -> Run {
        Run { observed, status: Ok(ExitStatus::from_raw(raw_status)), log: String::new() }
    }

    fn greeted() -> Observed {
        Observed { has_greeted: true, ..Observed::default() }
    }

    #[test]
    fn a_program_that_is_no_qemu_is_named() {
        let end = end(run(Observed::default(), 0), "/bin/true".as_ref(), false);
        assert!(matches!(end, GuestEnd::Failed(why) if why.starts_with("/bin/true ended without")));
    }

    #[test]
    fn a_guest_s_reset_is_told_from_a_monitor_s_failure() {
        let shutdown = |cause| Observed { shutdown: Some(cause), ..greeted() };
        let reset = run(shutdown(ShutdownCause::guest_reset), 0);
        assert_eq!(end(reset, "qemu".as_ref(), false), GuestEnd::Reset);
        assert_eq!(end(run(greeted(), 0), "qemu".as_ref(), false), GuestEnd::Reset);
        let signal = run(shutdown(ShutdownCause::host_signal), 0);
        assert!(matches!(end(signal, "qemu".as_ref(), false), GuestEnd::Failed(_)));
        let killed = run(Observed::default(), 9);
        assert!(matches!(end(killed, "qemu".as_ref(), false), GuestEnd::Failed(_)));
        assert_eq!(end(run(Observed::default(), 9), "qemu".as_ref(), true), GuestEnd::Stopped);
    }

    #[test]
    fn only_a_machine_that_never_ran_is_replaced() {
        let (launcher, guest) = UnixStream::pair().expect("a pair");
        let mut line = Line { guest, launcher, heard: Heard::default() };
        assert!(run(Observed::default(), 1 << 8).never_ran(&line));
        assert!(!run(Observed::default(), 0).never_ran(&line), "a triple fault");
        let reset = Observed { shutdown: Some(ShutdownCause::guest_reset), ..Observed::default() };
        assert!(!run(reset, 1 << 8).never_ran(&line));
        line.guest.write_all(b"x").expect("sent");
        assert!(!run(Observed::default(), 1 << 8).never_ran(&line), "it has spoken");
    }

    #[test]
    fn an_internal_error_is_quoted_without_the_registers() {
        let stuck = Observed { is_stuck: true, ..Observed::default() };
        let mut run = run(stuck, 9);
        run.log = "KVM internal error. Suberror: 1\nextra data[0]: 0\nemulation failure\nEAX=0\n"
            .to_owned();
        let expected = "KVM internal error. Suberror: 1 emulation failure".to_owned();
        assert_eq!(end(run, "qemu".as_ref(), false), GuestEnd::Stuck(expected));
        let log = "error: kvm run failed Bad address\nEAX=00000000 EBX=0\nESI=0\n";
        assert_eq!(first_lines(log), "error: kvm run failed Bad address");
    }
}
