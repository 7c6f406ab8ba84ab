//! The command line: verbs, exit statuses, the one message of a failure.

mod completions;
mod environment;
mod event;
#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;
mod run;
mod verify;

use std::ffi::OsString;

use ampoule_abi::status;
use ampoule_boot::jail;
use ampoule_boot::program::{self, Began, terminal};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

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
    let began = Began::now();
    program::own_up_to_panics();
    match words.get(1..).and_then(Run::plain) {
        Some(run) => leave(run.run(began)),
        None => {
            let began = began.asked();
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
    let told = done.as_ref().err().and_then(|error| match verify::status_of(error) {
        Some(status) => Some(status),
        None => event::is_bad_event(error).then_some(status::EX_DATAERR),
    });
    let exit_code = program::exit_code(done);
    told.unwrap_or(exit_code)
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
