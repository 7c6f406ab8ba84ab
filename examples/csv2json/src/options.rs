//! The arguments.

use core::fmt::Display;

use ampoule::{Error, Result};
use getargs::Arg;

/// What the arguments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// One array instead of a line for each record.
    pub array: bool,
    /// Fields that are JSON numbers become numbers; otherwise every value is a string.
    pub numbers: bool,
    pub delimiter: u8,
}

impl Options {
    /// Reads the arguments.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut options = Self { array: false, numbers: false, delimiter: b',' };
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(usage)? {
            match argument {
                Arg::Short('a') | Arg::Long("array") => options.array = true,
                Arg::Short('n') | Arg::Long("numbers") => options.numbers = true,
                Arg::Short('d') | Arg::Long("delimiter") => {
                    options.delimiter = delimiter(arguments.value().map_err(usage)?)?;
                }
                unknown => return Err(usage(format_args!("unknown argument {unknown}"))),
            }
        }
        Ok(options)
    }
}

fn delimiter(value: &str) -> Result<u8> {
    match value.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err(usage(format_args!("delimiter {value:?}: it must be one byte, or `tab`"))),
    }
}

fn usage(problem: impl Display) -> Error {
    Error::config(format_args!(
        "{problem}; usage: csv2json [--array] [--numbers] [--delimiter BYTE|tab] < INPUT"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&'static str]) -> Result<Options> {
        Options::parse(arguments.iter().copied())
    }

    #[test]
    fn delimiters_are_one_byte_or_tab() {
        assert_eq!(parse(&["-d;"]).expect("good").delimiter, b';');
        assert_eq!(parse(&["--delimiter=tab"]).expect("good").delimiter, b'\t');
        for bad in [&["-d", "ab"][..], &["-d", "\""], &["-d"], &["file.csv"], &["--nope"]] {
            assert_eq!(parse(bad).expect_err("bad").status(), 78, "{bad:?}");
        }
    }
}
