//! What the command line says to a person, all of it on STDERR: STDOUT carries results only.

use std::fmt::Display;
use std::io::Write;
use std::process::Command;

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// How talkative this run is.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    verbosity: Verbosity,
}

/// How much is said while things are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only what goes wrong, and a spinner on a terminal: STDERR belongs to a function as well.
    Quiet,
    /// What cargo says, and what was made.
    Normal,
    /// Each external command too.
    Verbose,
}

impl Console {
    /// A console that echoes external commands if `verbose`.
    pub fn new(verbose: bool) -> Self {
        Self { verbosity: if verbose { Verbosity::Verbose } else { Verbosity::Normal } }
    }

    /// The same, silent about what goes well, unless it is verbose.
    pub fn quieter(self) -> Self {
        match self.verbosity {
            Verbosity::Verbose => self,
            _ => Self { verbosity: Verbosity::Quiet },
        }
    }

    /// How much is to be said.
    pub fn verbosity(self) -> Verbosity {
        self.verbosity
    }

    /// Says what was done, in cargo's manner: a verb, then what.
    pub fn status(self, verb: &str, what: impl Display) {
        if self.verbosity != Verbosity::Quiet {
            say(format_args!("{GOOD}{verb:>12}{GOOD:#} {what}"));
        }
    }

    /// Echoes an external command, as one could type it, when verbose.
    pub fn command(self, command: &Command) {
        if self.verbosity == Verbosity::Verbose {
            say(format_args!("{QUIET}+ {}{QUIET:#}", command_line(command)));
        }
    }
}

/// Says that the whole command failed.
pub fn error(what: impl Display) {
    say(format_args!("{BAD}error{BAD:#}: {what}"));
}

/// Says something that the user should know though the command goes on.
pub fn warning(what: impl Display) {
    say(format_args!("{WARNING}warning{WARNING:#}: {what}"));
}

fn say(line: impl Display) {
    // If STDERR is gone or full, nobody is left to be told, and the status is as it would have been.
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// The command as a line for a shell.
pub fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    shell_words::join(words.map(|word| word.to_string_lossy()))
}

/// A size for reading at a glance: `37.2 KiB`.
pub fn short_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|&&(_, scale)| bytes >= scale) {
        Some((unit, scale)) => format!("{:.1} {unit}", bytes as f64 / *scale as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(short_size(38_093), "37.2 KiB");
        assert_eq!(short_size(1 << 20), "1.0 MiB");
        assert_eq!(short_size(0), "0 B");
    }
}
