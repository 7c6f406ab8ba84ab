//! The arguments, with GNU's names and meanings.

use alloc::vec::Vec;
use core::fmt;

use ampoule::{Error, Result};
use getargs::Arg;

use crate::TROUBLE;

/// How patterns are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// POSIX basic regular expressions, with GNU's `\+`, `\?` and `\|`.
    #[default]
    Basic,
    /// POSIX extended regular expressions.
    Extended,
    /// Plain strings.
    Fixed,
}

/// How a match must lie in its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// Anywhere.
    #[default]
    None,
    /// Between characters that are not part of words.
    Word,
    /// From its begin to its end.
    Line,
}

/// What to print of the lines that are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// The lines.
    #[default]
    Lines,
    /// The parts that match, a line each.
    Matches,
    /// Their number.
    Count,
    /// That there are some, by the input's name.
    Name,
    /// Nothing: the status says it.
    Nothing,
}

/// Everything that the arguments say.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    pub patterns: Vec<&'a [u8]>,
    pub dialect: Dialect,
    pub bounds: Bounds,
    pub report: Report,
    pub ignore_case: bool,
    pub invert: bool,
    pub line_numbers: bool,
    pub with_name: bool,
    pub binary_is_text: bool,
    /// Greatest number of lines to select.
    pub limit: Option<u64>,
}

/// The first that is asked for holds, whatever their order.
#[derive(Default)]
struct Reports {
    nothing: bool,
    name: bool,
    count: bool,
    matches: bool,
}

impl<'a> Options<'a> {
    /// Reads the arguments.
    pub fn parse(arguments: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        let mut options = Self::default();
        let mut reports = Reports::default();
        let mut given = Vec::new();
        let mut positionals = Vec::new();
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(bad_argument)? {
            match argument {
                Arg::Short(b'e') | Arg::Long(b"regexp") => {
                    given.push(arguments.value().map_err(bad_argument)?);
                }
                Arg::Short(b'm') | Arg::Long(b"max-count") => {
                    let value = arguments.value().map_err(bad_argument)?;
                    let number = core::str::from_utf8(value).ok().and_then(|n| n.parse().ok());
                    options.limit = Some(number.ok_or_else(|| trouble("invalid max count"))?);
                }
                Arg::Positional(positional) => positionals.push(positional),
                flag => options.set(flag, &mut reports)?,
            }
        }
        options.report = reports.choose();
        let mut operands = positionals.into_iter();
        if given.is_empty() {
            given.push(operands.next().ok_or_else(|| usage("there is no pattern"))?);
        }
        if let Some(file) = operands.find(|&operand| operand != b"-") {
            let file = file.escape_ascii();
            return Err(usage(format_args!("{file}: there are no files here, only STDIN")));
        }
        options.patterns = given.iter().flat_map(|text| text.split(|&b| b == b'\n')).collect();
        Ok(options)
    }

    /// Whether no line can be selected; then not even a count is printed.
    pub fn select_nothing(&self) -> bool {
        let matches_all = self.patterns.iter().all(|pattern| pattern.is_empty());
        self.limit == Some(0) || (self.invert && matches_all && self.bounds == Bounds::None)
    }

    fn set(&mut self, flag: Arg<&'a [u8]>, reports: &mut Reports) -> Result<()> {
        match flag {
            Arg::Short(b'E') | Arg::Long(b"extended-regexp") => self.dialect = Dialect::Extended,
            Arg::Short(b'F') | Arg::Long(b"fixed-strings") => self.dialect = Dialect::Fixed,
            Arg::Short(b'G') | Arg::Long(b"basic-regexp") => self.dialect = Dialect::Basic,
            Arg::Short(b'a') | Arg::Long(b"text") => self.binary_is_text = true,
            Arg::Short(b'i' | b'y') | Arg::Long(b"ignore-case") => self.ignore_case = true,
            Arg::Short(b'v') | Arg::Long(b"invert-match") => self.invert = true,
            Arg::Short(b'n') | Arg::Long(b"line-number") => self.line_numbers = true,
            Arg::Short(b'H') | Arg::Long(b"with-filename") => self.with_name = true,
            Arg::Short(b'h') | Arg::Long(b"no-filename") => self.with_name = false,
            Arg::Short(b'x') | Arg::Long(b"line-regexp") => self.bounds = Bounds::Line,
            Arg::Short(b'w') | Arg::Long(b"word-regexp") if self.bounds == Bounds::Line => {}
            Arg::Short(b'w') | Arg::Long(b"word-regexp") => self.bounds = Bounds::Word,
            Arg::Short(b'c') | Arg::Long(b"count") => reports.count = true,
            Arg::Short(b'o') | Arg::Long(b"only-matching") => reports.matches = true,
            Arg::Short(b'l') | Arg::Long(b"files-with-matches") => reports.name = true,
            Arg::Short(b'q') | Arg::Long(b"quiet" | b"silent") => reports.nothing = true,
            Arg::Short(letter) => {
                let letter = letter.escape_ascii();
                return Err(usage(format_args!("invalid option -- '{letter}'")));
            }
            Arg::Long(name) => {
                let name = name.escape_ascii();
                return Err(usage(format_args!("unrecognized option '--{name}'")));
            }
            Arg::Positional(_) => {}
        }
        Ok(())
    }
}

impl Reports {
    fn choose(&self) -> Report {
        match self {
            Self { nothing: true, .. } => Report::Nothing,
            Self { name: true, .. } => Report::Name,
            Self { count: true, .. } => Report::Count,
            Self { matches: true, .. } => Report::Matches,
            _ => Report::Lines,
        }
    }
}

/// An error that ends the function with the status for trouble.
pub fn trouble(problem: impl fmt::Display) -> Error {
    Error::new(TROUBLE, problem)
}

fn usage(problem: impl fmt::Display) -> Error {
    trouble(format_args!(
        "{problem}; usage: grep [-EFG] [-acHhilnoqvwx] [-m NUMBER] PATTERN | -e PATTERN... < INPUT"
    ))
}

fn bad_argument(error: getargs::Error<&[u8]>) -> Error {
    match error {
        getargs::Error::RequiresValue(option) => {
            usage(format_args!("option {} requires an argument", name(option)))
        }
        getargs::Error::DoesNotRequireValue(option) => {
            usage(format_args!("option {} doesn't allow an argument", name(option)))
        }
        _ => usage("bad arguments"),
    }
}

fn name(option: getargs::Opt<&[u8]>) -> alloc::string::String {
    match option {
        getargs::Opt::Short(letter) => alloc::format!("-- '{}'", letter.escape_ascii()),
        getargs::Opt::Long(name) => alloc::format!("'--{}'", name.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(arguments: &[&'a str]) -> Result<Options<'a>> {
        Options::parse(arguments.iter().map(|argument| argument.as_bytes()))
    }

    #[test]
    fn options_may_stand_anywhere_and_together() {
        let options = parse(&["-ni", "a\nb", "--max-count=3", "-"]).expect("good");
        assert_eq!(options.patterns, [b"a", b"b"]);
        assert!(options.line_numbers && options.ignore_case && !options.invert);
        assert_eq!(options.limit, Some(3));
    }

    #[test]
    fn trouble_has_status_two() {
        for arguments in [&["-k"][..], &[], &["a", "file"], &["-m", "x", "a"], &["-e"]] {
            assert_eq!(parse(arguments).expect_err("bad").status(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn the_shorter_report_holds() {
        assert_eq!(parse(&["-oc", "a"]).expect("good").report, Report::Count);
        assert_eq!(parse(&["-clq", "a"]).expect("good").report, Report::Nothing);
        assert_eq!(parse(&["-xw", "a"]).expect("good").bounds, Bounds::Line);
    }
}
