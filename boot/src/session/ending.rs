//! What ended a session, in the words that its caller reads.

use std::io;
use std::time::Duration;

use ampoule_abi::exit::Reason as ExitReason;
use ampoule_abi::messages::Exit;
use ampoule_abi::status;

use super::StopCause;
use crate::guest::GuestEnd;
use crate::outcome::{Limits, Reason};
use crate::units;

/// What ended a session.
#[derive(Debug)]
pub(crate) enum Ending {
    Exit(Exit, ExitReason),
    Protocol(String),
    Machine(GuestEnd),
    DeadlineExceeded,
    /// One of the other limits.
    Exceeded(Limit),
    StdinFailed(io::Error),
    StdoutClosed,
    StdoutFailed(io::Error),
    Stopped(StopCause),
}

/// What a call may use up besides time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    CpuTime,
    Output,
    Exits,
}

/// A reason, a status, a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) reason: Reason,
    pub(crate) exit_code: u8,
    pub(crate) message: Option<String>,
}

impl Verdict {
    fn new(reason: Reason, message: impl Into<Option<String>>) -> Self {
        Self { reason, exit_code: reason.exit_code(), message: message.into() }
    }
}

impl Ending {
    /// Judges the end of the function `name` under `limits` (SPEC C3).
    pub(crate) fn verdict(&self, name: &str, limits: Limits) -> Verdict {
        match self {
            Self::Exit(exit, reason) => exited(name, limits, exit, *reason),
            Self::Protocol(why) => Verdict::new(
                Reason::ProtocolError,
                format!(
                    "`{name}` broke the protocol of its stream: {}; build its image again with this version",
                    printable(why)
                ),
            ),
            Self::Machine(end) => machine_ended(name, end),
            Self::DeadlineExceeded => Verdict::new(
                Reason::DeadlineExceeded,
                format!(
                    "`{name}` was still running at its deadline of {} and was destroyed: give \
                        it longer with --timeout",
                    units::duration(limits.timeout.unwrap_or(Duration::ZERO))
                ),
            ),
            Self::Exceeded(limit) => exceeded(name, limits, *limit),
            Self::StdinFailed(error) => Verdict::new(
                Reason::StdinFailed,
                format!(
                    "cannot read STDIN for `{name}`: {error}; give it a file, a pipe or /dev/null"
                ),
            ),
            Self::StdoutClosed => Verdict::new(Reason::BrokenPipe, None),
            Self::StdoutFailed(error) => Verdict::new(
                Reason::StdoutFailed,
                format!("cannot write the STDOUT of `{name}`: {error}; its output is incomplete"),
            ),
            Self::Stopped(StopCause::Interrupted) => {
                Verdict::new(Reason::Interrupted, format!("`{name}` was interrupted (SIGINT)"))
            }
            Self::Stopped(StopCause::Terminated) => {
                Verdict::new(Reason::Terminated, format!("`{name}` was terminated (SIGTERM)"))
            }
        }
    }

    /// Where the function was when it failed.
    pub(crate) fn backtrace(&self) -> &[u64] {
        match self {
            Self::Exit(exit, _) => {
                &exit.backtrace[..exit.backtrace.len().min(ampoule_abi::exit::MAX_BACKTRACE)]
            }
            _ => &[],
        }
    }
}

fn exceeded(name: &str, limits: Limits, limit: Limit) -> Verdict {
    let (reason, what, option) = match limit {
        Limit::CpuTime => {
            let time = units::duration(limits.cpu_time.unwrap_or_default());
            (Reason::CpuTimeExceeded, format!("took {time} of processor time"), "--cpu-time")
        }
        Limit::Output => {
            let bytes = units::bytes(limits.output_bytes.unwrap_or_default());
            (Reason::OutputExceeded, format!("wrote more than {bytes}"), "--max-output")
        }
        Limit::Exits => {
            let exits = limits.exits_per_second.unwrap_or_default();
            let what = format!("left its machine more than {exits} times a second");
            (Reason::ExitsExceeded, what, "--max-exits")
        }
    };
    let message =
        format!("`{name}` {what}, its limit, and was destroyed: allow more with {option}");
    Verdict::new(reason, message)
}

fn exited(name: &str, limits: Limits, exit: &Exit, reason: ExitReason) -> Verdict {
    let words = printable(&exit.message);
    let said = |what: &str| match words.is_empty() {
        true => format!("`{name}` {what}"),
        false => format!("`{name}` {what}: {words}"),
    };
    match reason {
        ExitReason::Returned => returned(name, exit.status),
        // Rust's own words begin with these.
        ExitReason::Panicked if words.starts_with("panicked ") => {
            Verdict::new(Reason::Panicked, format!("`{name}` {words}"))
        }
        ExitReason::Panicked => Verdict::new(Reason::Panicked, said("panicked")),
        ExitReason::Faulted => Verdict::new(Reason::Faulted, said("crashed")),
        ExitReason::OutOfMemory => {
            let memory = units::bytes(limits.memory_bytes);
            let what = said(&format!("ran out of its {memory} of memory"));
            Verdict::new(Reason::OutOfMemory, format!("{what}; give it more with --memory"))
        }
        ExitReason::Protocol => {
            let what = said("could not understand this launcher");
            Verdict::new(Reason::ProtocolError, format!("{what}; build its image again"))
        }
    }
}

fn returned(name: &str, asked: u32) -> Verdict {
    match u8::try_from(asked) {
        Ok(exit_code @ ..=status::MAX_FUNCTION) => {
            Verdict { reason: Reason::Returned, exit_code, message: None }
        }
        _ => Verdict::new(
            Reason::StatusOutOfRange,
            format!(
                "`{name}` asked for the exit status {asked}, but those above {} are the \
                    launcher's: it becomes {}",
                status::MAX_FUNCTION,
                status::FAILURE
            ),
        ),
    }
}

fn machine_ended(name: &str, end: &GuestEnd) -> Verdict {
    let (reason, why) = match end {
        GuestEnd::Reset => (
            Reason::MachineReset,
            "the function's virtual machine stopped without an exit message, as after a triple \
                fault: is its stack large enough?"
                .to_owned(),
        ),
        GuestEnd::Stuck(why) => (
            Reason::MachineStuck,
            format!(
                "KVM could not go on with the function's virtual machine ({}): run it with \
                --accel tcg",
                printable(why)
            ),
        ),
        GuestEnd::Stopped => {
            (Reason::BackendFailed, "the function's virtual machine was killed".to_owned())
        }
        GuestEnd::Failed(why) => (
            Reason::BackendFailed,
            format!("the monitor failed ({}): try -v, or `cargo xtask doctor`", printable(why)),
        ),
    };
    Verdict::new(reason, format!("`{name}` did not end properly: {why}"))
}

/// Words from elsewhere, for a terminal: no control or direction-changing characters, and lines
/// after the first indented, so that none of them passes for one of the launcher's.
pub fn printable(words: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    words.trim_end().replace(hidden, "").replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        memory_bytes: 16 << 20,
        timeout: Some(Duration::from_millis(500)),
        cpu_time: Some(Duration::from_secs(2)),
        output_bytes: Some(1 << 20),
        exits_per_second: Some(1000),
    };

    fn exit(status: u32, reason: ExitReason, message: &str) -> Verdict {
        let exit = Exit { status, message: message.to_owned(), ..Exit::default() };
        Ending::Exit(exit, reason).verdict("f", LIMITS)
    }

    #[test]
    fn a_function_s_status_is_its_own_up_to_123() {
        for status in [0, 1, 65, 123] {
            let verdict = exit(status, ExitReason::Returned, "");
            assert_eq!((u32::from(verdict.exit_code), verdict.message), (status, None));
        }
        for status in [124, 134, 255, 256, u32::MAX] {
            let verdict = exit(status, ExitReason::Returned, "");
            assert_eq!((verdict.exit_code, verdict.reason), (1, Reason::StatusOutOfRange));
            assert!(verdict.message.is_some_and(|m| m.contains(&status.to_string())));
        }
    }

    #[test]
    fn each_failure_has_its_status_and_one_message() {
        let of = |ending: Ending| ending.verdict("f", LIMITS);
        let io = || io::Error::from(io::ErrorKind::StorageFull);
        let cases = [
            (exit(0, ExitReason::Panicked, "at 3"), 134),
            (exit(0, ExitReason::Faulted, "page fault"), 134),
            (exit(0, ExitReason::OutOfMemory, ""), 137),
            (exit(0, ExitReason::Protocol, ""), 125),
            (of(Ending::Protocol("x".to_owned())), 125),
            (of(Ending::Machine(GuestEnd::Reset)), 134),
            (of(Ending::Machine(GuestEnd::Stuck("emulation".to_owned()))), 125),
            (of(Ending::Machine(GuestEnd::Failed("gone".to_owned()))), 125),
            (of(Ending::DeadlineExceeded), 124),
            (of(Ending::Exceeded(Limit::CpuTime)), 124),
            (of(Ending::Exceeded(Limit::Output)), 124),
            (of(Ending::Exceeded(Limit::Exits)), 124),
            (of(Ending::StdinFailed(io())), 125),
            (of(Ending::StdoutFailed(io())), 125),
            (of(Ending::Stopped(StopCause::Interrupted)), 130),
            (of(Ending::Stopped(StopCause::Terminated)), 143),
        ];
        for (verdict, exit_code) in cases {
            assert_eq!(verdict.exit_code, exit_code, "{verdict:?}");
            assert!(verdict.message.is_some_and(|m| m.contains("`f`")));
        }
        let quiet = of(Ending::StdoutClosed);
        assert_eq!((quiet.exit_code, quiet.message), (141, None));
    }

    #[test]
    fn a_guest_s_words_cannot_pass_for_the_launcher_s() {
        let verdict = exit(0, ExitReason::Panicked, "a\x1b[2Jb\rc\u{202e}\nampoule: all is well\n");
        let message = verdict.message.expect("a message");
        assert_eq!(message, "`f` panicked: a[2Jbc\n  ampoule: all is well");
    }
}
