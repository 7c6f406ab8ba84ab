//! Which counts are wanted, and how they are shown.

use alloc::string::String;
use core::fmt::Write;

use ampoule::{Error, Result, status};
use getargs::Arg;

use crate::count::Counts;

/// The width of a count among several: GNU's for an input whose length is not known beforehand.
const COLUMN_WIDTH: usize = 7;

/// The counts that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    lines: bool,
    words: bool,
    characters: bool,
    bytes: bool,
    longest: bool,
}

impl Options {
    /// Reads the arguments; none means lines, words and bytes.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(usage)? {
            match argument {
                Arg::Short('l') | Arg::Long("lines") => options.lines = true,
                Arg::Short('w') | Arg::Long("words") => options.words = true,
                Arg::Short('m') | Arg::Long("chars") => options.characters = true,
                Arg::Short('c') | Arg::Long("bytes") => options.bytes = true,
                Arg::Short('L') | Arg::Long("max-line-length") => options.longest = true,
                Arg::Positional(file) => {
                    return Err(usage(format_args!("{file}: there are no files here, only STDIN")));
                }
                unknown => return Err(usage(format_args!("unknown option {unknown}"))),
            }
        }
        if options == Self::default() {
            options = Self { lines: true, words: true, bytes: true, ..options };
        }
        Ok(options)
    }

    /// Whether words and columns need not be counted.
    pub fn only_lines_and_bytes(self) -> bool {
        !self.words && !self.longest
    }

    /// The line to print.
    pub fn show(self, counts: Counts) -> String {
        // In the C locale every byte is a character.
        let wanted = [
            (self.lines, counts.lines),
            (self.words, counts.words),
            (self.characters, counts.bytes),
            (self.bytes, counts.bytes),
            (self.longest, counts.longest),
        ];
        let several = wanted.iter().filter(|(is_wanted, _)| *is_wanted).count() > 1;
        let width = if several { COLUMN_WIDTH } else { 0 };
        let mut line = String::new();
        for (_, count) in wanted.iter().filter(|(is_wanted, _)| *is_wanted) {
            let separator = if line.is_empty() { "" } else { " " };
            write!(line, "{separator}{count:width$}").expect("a string takes anything");
        }
        line.push('\n');
        line
    }
}

fn usage(problem: impl core::fmt::Display) -> Error {
    Error::new(status::FAILURE, format_args!("{problem}; usage: wc [-lwmcL] < INPUT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &[&str]) -> String {
        let mut counts = Counts::default();
        counts.add(b"one two\n");
        let options = Options::parse(arguments.iter().copied()).expect("good arguments");
        options.show(counts.finish())
    }

    #[test]
    fn several_counts_stand_in_columns_in_a_fixed_order() {
        assert_eq!(shown(&[]), "      1       2       8\n");
        assert_eq!(shown(&["-cl"]), "      1       8\n");
        assert_eq!(shown(&["-L", "--words"]), "      2       7\n");
    }

    #[test]
    fn one_count_stands_alone() {
        assert_eq!(shown(&["-w"]), "2\n");
        assert_eq!(shown(&["-m", "-m"]), "8\n");
    }

    #[test]
    fn unknown_arguments_are_named() {
        let error = Options::parse(["-x"].into_iter()).expect_err("no such option");
        assert_eq!(error.status(), 1);
        assert!(error.to_string().contains("-x"));
    }
}
