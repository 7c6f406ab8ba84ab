//! The command line: verbs, exit statuses, the one message of a failure.

mod completions;
mod environment;
mod run;
mod signals;
mod standard;
mod terminal;
mod timings;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ampoule_abi::status;
use ampoule_boot::jail;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use rustix::time::{ClockId, clock_gettime};

/// Runs a function in a virtual machine of its own, like a Unix filter.
#[derive(Debug, Parser)]
#[command(name = "ampoule", version, propagate_version = true, after_help = EXIT_STATUSES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<run::Run>),
    Completions(completions::Completions),
}

const EXIT_STATUSES: &str = "\
Exit status:
  0        the function succeeded
  1–123    the function's own failure
  124      its deadline passed
  125      the launcher failed: bad options, no monitor, a broken protocol
  126      the image cannot be run: not an image, damaged, of an unknown ABI version
  127      there is no such image
  130, 143 interrupted, terminated
  134      the function panicked or crashed
  137      it ran out of memory
  141      the reader of STDOUT went away";

/// Runs the command that the process was started with.
pub(crate) fn main() -> ExitCode {
    let began = Began::now();
    // A bug of the launcher must not look like a panic of the function (134).
    std::panic::set_hook(Box::new(|panic| {
        terminal::error(&format!("this is a bug of the launcher: {panic}"));
        jail::exit(status::LAUNCHER);
    }));
    let verb = match Cli::try_parse() {
        Ok(cli) => cli.verb,
        Err(error) => return usage(&error),
    };
    match verb {
        // To return from `main` is more than a jailed process may do.
        Verb::Run(run) => jail::exit(exit_code(run.run(began))),
        Verb::Completions(completions) => exit_code(completions.run::<Cli>()).into(),
    }
}

fn exit_code(done: anyhow::Result<u8>) -> u8 {
    done.unwrap_or_else(|error| {
        terminal::error(&format!("{error:#}"));
        status::LAUNCHER
    })
}

/// When the program began, and what loading it took.
#[derive(Clone, Copy, Debug)]
struct Began {
    at: Instant,
    exec: Option<Duration>,
}

/// The variable with which a program that becomes this one says when, on the monotonic clock.
const EXEC_NS: &str = "AMPOULE_EXEC_NS";

impl Began {
    /// Now. Unless somebody says when loading began, it took what processor time the process has
    /// used by now.
    fn now() -> Self {
        let time = |clock| Duration::try_from(clock_gettime(clock)).ok();
        let told = std::env::var(EXEC_NS).ok().and_then(|ns| ns.parse().ok());
        let exec = match told.map(Duration::from_nanos) {
            Some(then) => time(ClockId::Monotonic).and_then(|now| now.checked_sub(then)),
            None => time(ClockId::ProcessCPUTime),
        };
        Self { at: Instant::now(), exec }
    }
}

/// Help and version are no failures; everything else here is a bad command line.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nothing is left to be done if that cannot be shown.
            let _ = error.print();
            ExitCode::from(status::SUCCESS)
        }
        _ => {
            let message = error.to_string();
            terminal::error(message.strip_prefix("error: ").unwrap_or(&message).trim_end());
            ExitCode::from(status::LAUNCHER)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn exit_code(words: &[&str]) -> ExitCode {
        usage(&Cli::try_parse_from(words).expect_err("no command"))
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_the_launcher_s_and_help_is_none() {
        assert_eq!(exit_code(&["ampoule", "run"]), ExitCode::from(125));
        assert_eq!(exit_code(&["ampoule", "run", "x", "--memory", "5MiB"]), ExitCode::from(125));
        assert_eq!(exit_code(&["ampoule", "run", "x", "-e", "FN_X=1"]), ExitCode::from(125));
        assert_eq!(exit_code(&["ampoule", "--help"]), ExitCode::SUCCESS);
        assert_eq!(exit_code(&["ampoule", "run", "--help"]), ExitCode::SUCCESS);
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
        assert_eq!(run.run(Began::now()).expect("a status"), 125);
        let text = std::fs::read_to_string(&report).expect("a report");
        assert!(text.contains("\"bad-request\"") && text.contains("/nowhere/env"), "{text}");
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
