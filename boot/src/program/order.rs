//! A call as a command line asks for it, from there to its exit status.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::desk::show_backtrace;
use super::standard::{self, Standard};
use super::{Began, Desk, Symbols, signals, terminal, timings};
use crate::backend::{Backend, qemu::Qemu};
use crate::context::EnvironmentVariable;
use crate::host::AccelChoice;
use crate::jail::Jail;
use crate::report::Report;
use crate::session::Stopper;
use crate::spec::Notice;
use crate::{Call, Image, Outcome, Reason};

/// A call that is asked for. What is not said is the image's to say.
#[derive(Debug, Default)]
pub struct Order {
    /// Arguments for the function.
    pub arguments: Vec<OsString>,
    /// Its environment.
    pub variables: Vec<EnvironmentVariable>,
    /// When to destroy the machine.
    pub timeout: Option<Duration>,
    /// Its memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// How much processor time it may use.
    pub cpu_time: Option<Duration>,
    /// How much the function may write.
    pub output_bytes: Option<u64>,
    /// How often a second its processor may leave the machine.
    pub exits_per_second: Option<u32>,
    /// What provides the machine.
    pub backend: Backend,
    /// What executes the function.
    pub accel: AccelChoice,
    /// What confines the process that does.
    pub confinement: Confinement,
    /// What is said besides why a call failed.
    pub verbosity: Verbosity,
    /// Whether to show the timeline.
    pub timings: bool,
}

/// What confines the process that runs the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confinement {
    /// Nothing.
    None,
    /// What the kernel has.
    #[default]
    Possible,
    /// Everything, or there is no call.
    Whole,
}

/// What is said of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Why it failed, and what the kernel lacks of the jail.
    Quiet,
    /// What is to be known besides.
    #[default]
    Normal,
    /// What is done: the monitor's command line, times, bytes.
    Verbose,
}

/// The QEMU that the caller's environment names, or the usual one.
pub fn qemu() -> Qemu {
    std::env::var_os("AMPOULE_QEMU").map_or_else(Qemu::default, Qemu::new)
}

impl Order {
    /// Makes the call; its exit status. With what is told after it, nothing is left to be done but to
    /// end.
    pub fn run(
        self,
        image: &Arc<Image>,
        began: Began,
        desk: Desk,
        symbols: impl Symbols,
    ) -> anyhow::Result<u8> {
        let Self { timings, verbosity, .. } = self;
        let jail = self.jail();
        let call = self.call(image, desk.reports()).since(began.at);
        let (stdin, stdout, stderr) = match set_up(call.stopper()) {
            Ok(streams) => streams,
            Err(error) => return desk.not_begun(Reason::LauncherFailed, &error, Some(image)),
        };
        let jail = [&stdin, &stdout, &stderr].into_iter().fold(jail, Jail::keeping);
        let jail = symbols.keep_in(desk.keep_in(jail));
        let ended = Ended { image, verbosity, timings };
        match call.jail(jail).run_leaving(stdin, stdout, stderr) {
            Ok((mut outcome, remains)) => {
                outcome.phases.exec = began.exec;
                if timings {
                    remains.destroy();
                    outcome.phases.gone = Some(began.at.elapsed());
                    return ended.tell(&outcome, desk, symbols);
                }
                let exit_code = ended.tell(&outcome, desk, symbols)?;
                leave(remains);
                Ok(exit_code)
            }
            Err(error) => desk.failed(&error, Some(image)),
        }
    }

    fn jail(&self) -> Jail {
        match self.confinement {
            Confinement::Whole => Jail::whole(),
            Confinement::None => {
                if self.verbosity != Verbosity::Quiet {
                    terminal::note(
                        "not confined: nothing but the virtual machine holds the function (--no-jail)",
                    );
                }
                Jail::none()
            }
            // Whoever is not confined though nobody said so is told in any case.
            Confinement::Possible => Jail::possible(Notice::new(terminal::note)),
        }
    }

    fn call(self, image: &Arc<Image>, is_reported: bool) -> Call {
        let mut call = Call::new(Arc::clone(image))
            .args(self.arguments)
            .envs(self.variables)
            .accel(self.accel)
            .backend(self.backend)
            .peek(standard::stdin_is_ready);
        if let Some(timeout) = self.timeout {
            call = call.timeout(timeout);
        }
        if let Some(memory_bytes) = self.memory_bytes {
            call = call.memory_bytes(memory_bytes);
        }
        if let Some(cpu_time) = self.cpu_time {
            call = call.cpu_time(cpu_time);
        }
        if let Some(output_bytes) = self.output_bytes {
            call = call.output_bytes(output_bytes);
        }
        if let Some(exits_per_second) = self.exits_per_second {
            call = call.exits_per_second(exits_per_second);
        }
        let is_verbose = self.verbosity == Verbosity::Verbose;
        if is_reported || is_verbose || self.timings {
            call = call.measured();
        }
        if self.verbosity != Verbosity::Quiet {
            call = call.notice(Notice::new(terminal::note));
        }
        if is_verbose {
            call = call.trace(Notice::new(|line| terminal::plain(&format!("+ {line}\n"))));
        }
        call
    }
}

/// Leaves a machine to be destroyed by itself.
#[allow(unsafe_code)]
fn leave(remains: crate::backend::Remains) {
    // SAFETY: all that is left to be done is to return the status from `main`.
    unsafe { remains.leave() };
}

/// What is to be told of a call that has ended.
struct Ended<'a> {
    image: &'a Image,
    verbosity: Verbosity,
    timings: bool,
}

impl Ended<'_> {
    fn tell(&self, outcome: &Outcome, desk: Desk, symbols: impl Symbols) -> anyhow::Result<u8> {
        if let Some(message) = &outcome.message {
            match outcome.reason {
                Reason::Panicked | Reason::Faulted => terminal::error_of_function(message),
                _ => terminal::error(message),
            }
        }
        if !outcome.backtrace.is_empty() {
            show_backtrace(outcome, self.image, symbols, self.verbosity == Verbosity::Quiet);
        }
        if self.verbosity == Verbosity::Verbose {
            terminal::plain(&timings::summary(outcome));
        }
        if self.timings {
            terminal::plain(&timings::render(outcome, terminal::is_terminal()));
        }
        desk.write_report(outcome.exit_code, || Report::of_outcome(outcome, self.image))?;
        Ok(outcome.exit_code)
    }
}

/// Catches signals and gets the streams ready, the function's and this program's own.
fn set_up(stopper: Stopper) -> anyhow::Result<(Standard, Standard, Standard)> {
    terminal::is_terminal();
    signals::stop_on_signals(&stopper).context("cannot catch signals")?;
    let copied = "cannot copy a standard stream (is `ulimit -n` too low?)";
    let stdin = Standard::stdin().context(copied)?;
    let stdout = Standard::take_stdout().context(copied)?;
    let stderr = Standard::stderr().context(copied)?;
    Ok((stdin, stdout, stderr))
}
