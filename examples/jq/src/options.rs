//! The arguments, with jq's names and meanings.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ampoule::{Error, Result};
use jaq_json::Val;

use crate::exit;
use crate::print::{Ends, Format};

/// What the filter is given as its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// `null`, once: `-n`.
    pub nothing: bool,
    /// Everything at once: `-s`.
    pub whole: bool,
    /// Text, not JSON: `-R`.
    pub text: bool,
}

/// Everything that the arguments say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub filter: String,
    pub feed: Feed,
    pub format: Format,
    /// `-e`.
    pub status_by_output: bool,
    /// Names without `$`, and their values.
    pub variables: Vec<(String, Val)>,
}

impl Options {
    /// Reads the arguments.
    pub fn parse<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut options = Self::default();
        let mut filter = None;
        let mut only_operands = false;
        while let Some(argument) = arguments.next() {
            match argument {
                "--" if !only_operands => only_operands = true,
                _ if !only_operands && argument.len() > 1 && argument.starts_with('-') => {
                    options.option(argument, &mut arguments)?;
                }
                _ if filter.is_none() => filter = Some(argument.to_string()),
                file => {
                    return Err(usage(format!("{file}: there are no files here, only STDIN")));
                }
            }
        }
        options.filter = filter.ok_or_else(|| usage("there is no filter"))?;
        Ok(options)
    }

    fn option<'a>(
        &mut self,
        option: &str,
        arguments: &mut impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let mut value = |what: &str| {
            let missing = || usage(format!("{option} takes {what}"));
            arguments.next().ok_or_else(missing)
        };
        match option {
            "--arg" => {
                let name = value("a name and a value")?.to_string();
                let text = value("a name and a value")?.to_string();
                self.variables.push((name, Val::from(text)));
            }
            "--argjson" => {
                let name = value("a name and a value")?.to_string();
                let json = value("a name and a value")?;
                let parsed = jaq_json::read::parse_single(json.as_bytes())
                    .map_err(|_| usage(format!("Invalid JSON text passed to --argjson: {json}")))?;
                self.variables.push((name, crate::number::as_jq(parsed)));
            }
            "--indent" => {
                let width = value("a number from 0 to 7")?;
                let width = width.parse().ok().filter(|width| *width <= 7);
                let width: usize =
                    width.ok_or_else(|| usage("--indent takes a number from 0 to 7"))?;
                self.format.indent = (width > 0).then(|| " ".repeat(width));
            }
            "--tab" => self.format.indent = Some(String::from("\t")),
            _ => match option.strip_prefix("--") {
                Some(name) => self.flag(long_flag(name).ok_or_else(|| unknown(option))?),
                None => {
                    for letter in option.chars().skip(1) {
                        if !"ncrjsSeRMC".contains(letter) {
                            return Err(unknown(option));
                        }
                        self.flag(letter);
                    }
                }
            },
        }
        Ok(())
    }

    fn flag(&mut self, letter: char) {
        match letter {
            'n' => self.feed.nothing = true,
            's' => self.feed.whole = true,
            'R' => self.feed.text = true,
            'c' => self.format.indent = None,
            'S' => self.format.sort_keys = true,
            'r' => self.format.raw = true,
            'j' => {
                self.format.raw = true;
                self.format.ends = Ends::Nothing;
            }
            'e' => self.status_by_output = true,
            // Colours are never used.
            _ => {}
        }
    }
}

fn long_flag(name: &str) -> Option<char> {
    Some(match name {
        "null-input" => 'n',
        "slurp" => 's',
        "raw-input" => 'R',
        "compact-output" => 'c',
        "sort-keys" => 'S',
        "raw-output" => 'r',
        "join-output" => 'j',
        "exit-status" => 'e',
        "monochrome-output" => 'M',
        _ => return None,
    })
}

fn unknown(option: &str) -> Error {
    usage(format!("Unknown option {option}"))
}

fn usage(problem: impl core::fmt::Display) -> Error {
    Error::new(
        exit::USAGE,
        format_args!(
            "{problem}; usage: jq [-ncrjsSeRM] [--tab] [--indent N] [--arg NAME VALUE] \
             [--argjson NAME JSON] FILTER < INPUT"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&'static str]) -> Result<Options> {
        Options::parse(arguments.iter().copied())
    }

    #[test]
    fn options_may_stand_anywhere_and_together() {
        let options = parse(&["-nr", ".a", "--arg", "x", "-1", "-c"]).expect("good");
        assert_eq!(options.filter, ".a");
        assert!(options.feed.nothing && options.format.raw && options.format.indent.is_none());
        assert_eq!(options.variables, [("x".into(), Val::from("-1".to_string()))]);
        assert_eq!(parse(&["--", "-1"]).expect("good").filter, "-1");
    }

    #[test]
    fn wrong_arguments_have_jq_s_status() {
        for arguments in [&["-z", "."][..], &[], &[".", "file"], &["--argjson", "a", "{", "."]] {
            assert_eq!(parse(arguments).expect_err("bad").status(), exit::USAGE);
        }
    }
}
