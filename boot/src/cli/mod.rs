//! The command line: verbs, exit statuses, the one message of a failure.

mod completions;
mod environment;
mod event;
pub(crate) mod process;
#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;
mod run;
mod signals;
mod standard;
mod terminal;
mod timings;
mod verify;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use ampoule_abi::status;
use ampoule_boot::jail;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use rustix::time::{ClockId, clock_gettime};

use run::Run;

/// Runs a function in a virtual machine of its own, like a Unix filter.
#[derive(Debug, Parser)]
#[command(name = "ampoule", version, propagate_version = true, after_help = EXIT_STATUSES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<Run>),
    Event(event::Event),
    Verify(verify::Verify),
    Completions(completions::Completions),
}

const EXIT_STATUSES: &str = "\
Exit status:
  0        the function succeeded
  1–123    the function's own failure; 65 also for what is given as an event and is none
  124      its deadline passed, or it exceeded another limit
  125      the launcher failed: bad options, no monitor, a broken protocol
  126      the image cannot be run: not an image, damaged, of an unknown ABI version; or what is
           verified is not as it should be
  127      there is no such image
  130, 143 interrupted, terminated
  134      the function panicked or crashed
  137      it ran out of memory
  141      the reader of STDOUT went away";

/// Runs the command that the process was started with; its exit status.
pub(crate) fn main(words: Vec<OsString>) -> u8 {
    let at = Instant::now();
    // A bug of the launcher must not look like a panic of the function (134).
    std::panic::set_hook(Box::new(|panic| {
        terminal::error(&format!("this is a bug of the launcher: {panic}"));
        jail::exit(status::LAUNCHER);
    }));
    match words.get(1..).and_then(Run::plain) {
        Some(run) => leave(run.run(Began { at, exec: None })),
        None => {
            let began = Began { at, exec: loading() };
            match Cli::try_parse_from(words).map(|cli| cli.verb) {
                Ok(Verb::Run(run)) => leave(run.run(began)),
                Ok(Verb::Event(event)) => exit_code(event.run()),
                Ok(Verb::Verify(verify)) => exit_code(verify.run()),
                Ok(Verb::Completions(completions)) => exit_code(completions.run::<Cli>()),
                Err(error) => usage(&error),
            }
        }
    }
}

/// To return from `main` is more than a jailed process may do.
fn leave(done: anyhow::Result<u8>) -> ! {
    jail::exit(exit_code(done))
}

fn exit_code(done: anyhow::Result<u8>) -> u8 {
    done.unwrap_or_else(|error| {
        let cause = error.downcast_ref::<std::io::Error>();
        if cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe) {
            return status::BROKEN_PIPE;
        }
        terminal::error(&format!("{error:#}"));
        match verify::status_of(&error) {
            Some(status) => status,
            None if event::is_bad_event(&error) => status::EX_DATAERR,
            None => status::LAUNCHER,
        }
    })
}

/// When the program began, and what loading it took if anybody asks.
#[derive(Clone, Copy, Debug)]
struct Began {
    at: Instant,
    exec: Option<Duration>,
}

/// The variable with which a program that becomes this one says when, on the monotonic clock.
const EXEC_NS: &str = "AMPOULE_EXEC_NS";

/// What loading the program took. Unless somebody says when that began, it took what processor time
/// the process has used by now.
fn loading() -> Option<Duration> {
    let time = |clock| Duration::try_from(clock_gettime(clock)).ok();
    let told = std::env::var(EXEC_NS).ok().and_then(|ns| ns.parse().ok());
    match told.map(Duration::from_nanos) {
        Some(then) => time(ClockId::Monotonic).and_then(|now| now.checked_sub(then)),
        None => time(ClockId::ProcessCPUTime),
    }
}

/// Help and version are no failures; everything else here is a bad command line.
fn usage(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => status::SUCCESS,
            Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => status::BROKEN_PIPE,
            Err(why) => {
                terminal::error(&format!("cannot print the help: {why}"));
                status::LAUNCHER
            }
        },
        _ => {
            let message = error.to_string();
            terminal::error(message.strip_prefix("error: ").unwrap_or(&message).trim_end());
            status::LAUNCHER
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn exit_code(words: &[&str]) -> u8 {
        usage(&Cli::try_parse_from(words).expect_err("no command"))
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_the_launcher_s_and_help_is_none() {
        assert_eq!(exit_code(&["ampoule", "run"]), 125);
        assert_eq!(exit_code(&["ampoule", "run", "x", "--memory", "5MiB"]), 125);
        assert_eq!(exit_code(&["ampoule", "run", "x", "-e", "FN_X=1"]), 125);
        assert_eq!(exit_code(&["ampoule", "--help"]), 0);
        assert_eq!(exit_code(&["ampoule", "run", "--help"]), 0);
    }

    #[test]
    fn a_call_that_was_not_begun_is_reported_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let report = directory.path().join("report.json");
        let path = report.to_str().expect("text");
        let words =
            ["ampoule", "run", "x", "--env-file", "/nowhere/env", "--report", path, "--no-jail"];
        let Ok(Cli { verb: Verb::Run(run) }) = Cli::try_parse_from(words) else {
            panic!("a command");
        };
        assert_eq!(run.run(Began { at: Instant::now(), exec: None }).expect("a status"), 125);
        let text = std::fs::read_to_string(&report).expect("a report");
        assert!(text.contains("\"bad-request\"") && text.contains("/nowhere/env"), "{text}");
    }

    #[test]
    fn what_is_plain_is_taken_as_the_parser_takes_it() {
        let split = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["run a.elf", "run a.elf --", "run ./-a -- -x --help -- y", "run run -- run"] {
            let plain = Run::plain(&split(line)).expect(line);
            let Ok(Verb::Run(parsed)) =
                Cli::try_parse_from(split(&format!("ampoule {line}"))).map(|cli| cli.verb)
            else {
                panic!("{line} is a command");
            };
            assert_eq!(plain, *parsed, "{line}");
        }
        for line in [
            "run",
            "run ",
            "run --help",
            "run -- a.elf",
            "run a.elf b",
            "run a.elf -v",
            "runs a.elf",
        ] {
            assert_eq!(Run::plain(&split(line)), None, "{line}");
        }
    }

    #[test]
    fn arguments_are_taken_as_they_are() {
        let words = ["ampoule", "run", "a.elf", "-e", "A=b=c", "--", "-x", "--help"];
        let Ok(Cli { verb: Verb::Run(run) }) = Cli::try_parse_from(words) else {
            panic!("a command");
        };
        assert_eq!(run.arguments, ["-x", "--help"]);
        assert_eq!(run.variables.len(), 1);
    }
}
