//! The arguments.

use core::fmt::Display;

use ampoule::{Error, Result};
use getargs::Arg;

/// What the arguments and the environment say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    pub template: Option<&'a str>,
    /// Title of the table, where there is no template.
    pub title: &'a str,
}

impl<'a> Options<'a> {
    /// Reads the arguments; a template among them goes before that of the environment.
    pub fn parse(
        arguments: impl Iterator<Item = &'a str>,
        variable: Option<&'a str>,
    ) -> Result<Self> {
        let mut options = Self { template: None, title: "Table" };
        let mut arguments = getargs::Options::new(arguments);
        while let Some(argument) = arguments.next_arg().map_err(usage)? {
            match argument {
                Arg::Long("title") => options.title = arguments.value().map_err(usage)?,
                Arg::Positional(template) if options.template.is_none() => {
                    options.template = Some(template);
                }
                unknown => return Err(usage(format_args!("unknown argument {unknown}"))),
            }
        }
        options.template = options.template.or(variable);
        Ok(options)
    }
}

fn usage(problem: impl Display) -> Error {
    Error::config(format_args!("{problem}; usage: render [--title TITLE] [TEMPLATE] < JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_goes_before_the_environment() {
        let parse = |arguments: &[&'static str]| {
            Options::parse(arguments.iter().copied(), Some("{{variable}}"))
        };
        assert_eq!(parse(&["{{a}}"]).expect("good").template, Some("{{a}}"));
        assert_eq!(parse(&["--title=T"]).expect("good").template, Some("{{variable}}"));
        assert_eq!(parse(&["a", "b"]).expect_err("two").status(), 78);
    }
}
