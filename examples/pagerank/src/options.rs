//! The arguments.

use core::fmt::Display;
use core::str::FromStr;

use ampoule::{Error, Result};
use getargs::Arg;

/// What the arguments say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Chance to follow a link, not to jump anywhere.
    pub damping: f64,
    /// Greatest number of passes over the graph.
    pub iterations: u32,
    /// Sum of the changes of all ranks at which they are good enough.
    pub epsilon: f64,
    /// Greatest number of nodes to print.
    pub top: usize,
}

impl Options {
    /// Reads the arguments.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a str> + Clone) -> Result<Self> {
        let mut options = Self { damping: 0.85, iterations: 100, epsilon: 1e-9, top: usize::MAX };
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(usage)? {
            let Arg::Long(name) = argument else {
                return Err(usage(format_args!("unknown argument {argument}")));
            };
            let value = arguments.value().map_err(usage)?;
            match name {
                "damping" => {
                    options.damping = number(name, value, |damping| (0.0..1.0).contains(damping))?;
                }
                "iterations" => options.iterations = number(name, value, |_| true)?,
                "epsilon" => options.epsilon = number(name, value, |epsilon| *epsilon >= 0.0)?,
                "top" => options.top = number(name, value, |_| true)?,
                _ => return Err(usage(format_args!("unknown option --{name}"))),
            }
        }
        Ok(options)
    }
}

fn number<T: FromStr>(name: &str, value: &str, is_good: impl FnOnce(&T) -> bool) -> Result<T> {
    let number = value.parse().ok().filter(is_good);
    number.ok_or_else(|| usage(format_args!("--{name} cannot be {value}")))
}

fn usage(problem: impl Display) -> Error {
    Error::config(format_args!(
        "{problem}; usage: pagerank [--damping 0.85] [--iterations 100] [--epsilon 1e-9] [--top N] \
         < EDGES"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        let parse = |arguments: &[&'static str]| Options::parse(arguments.iter().copied());
        let options = parse(&["--damping=0.5", "--top", "3"]).expect("good");
        assert_eq!((options.damping, options.top), (0.5, 3));
        for bad in [&["--damping", "1"][..], &["--epsilon", "-1"], &["--top"], &["edges.txt"]] {
            assert_eq!(parse(bad).expect_err("bad").status(), 78, "{bad:?}");
        }
    }
}
