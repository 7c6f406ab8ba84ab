//! The arguments.

use core::fmt::Display;
use core::num::NonZero;

use ampoule::{Error, Result};
use getargs::Arg;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Ppm,
}

/// What the arguments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Longest edge, in pixels; images are never made larger.
    pub size: NonZero<u16>,
    pub format: Format,
}

impl Options {
    /// Reads the arguments.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Self> {
        const SIZE: NonZero<u16> = NonZero::new(128).expect("128 is not 0");
        let mut options = Self { size: SIZE, format: Format::Png };
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(usage)? {
            match argument {
                Arg::Short('s') | Arg::Long("size") => {
                    let value = arguments.value().map_err(usage)?;
                    options.size = value.parse().map_err(|_| {
                        usage(format_args!("--size {value}: it must be from 1 to 65535"))
                    })?;
                }
                Arg::Long("ppm") => options.format = Format::Ppm,
                unknown => return Err(usage(format_args!("unknown argument {unknown}"))),
            }
        }
        Ok(options)
    }
}

fn usage(problem: impl Display) -> Error {
    Error::config(format_args!("{problem}; usage: thumbnail [--size 128] [--ppm] < JPEG"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        let parse = |arguments: &[&'static str]| Options::parse(arguments.iter().copied());
        assert_eq!(parse(&["--size", "64"]).expect("good").size.get(), 64);
        assert_eq!(parse(&["-s7", "--ppm"]).expect("good").format, Format::Ppm);
        for bad in [&["--size", "0"][..], &["--size=70000"], &["--gif"], &["a.jpg"]] {
            assert_eq!(parse(bad).expect_err("bad").status(), 78, "{bad:?}");
        }
    }
}
