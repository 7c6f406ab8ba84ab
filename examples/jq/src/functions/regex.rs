//! Regular expressions: what `match`, `test`, `sub` and their kin are defined with.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ::regex::bytes::{Match, Regex, RegexBuilder};
use jaq_core::native::bome;
use jaq_core::{Bind, Cv, Error, ValR, ValT as _};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::Native;
use crate::filter::Kind;

/// Which parts of the text are wanted.
#[derive(Clone, Copy)]
struct Wanted {
    matches: bool,
    between: bool,
}

pub fn natives() -> Box<[Native]> {
    const MATCHES: Wanted = Wanted { matches: true, between: false };
    const BOTH: Wanted = Wanted { matches: true, between: true };
    const BETWEEN: Wanted = Wanted { matches: false, between: true };
    let arguments = || [Bind::Var(()), Bind::Var(())].into();
    Box::new([
        ("matches", arguments(), |cv| bome(parts(MATCHES, cv))),
        ("split_matches", arguments(), |cv| bome(parts(BOTH, cv))),
        ("split_", arguments(), |cv| bome(parts(BETWEEN, cv))),
    ])
}

/// The parts of the input, in order: a match is an array of objects, what lies between is text.
fn parts(wanted: Wanted, mut cv: Cv<'_, Kind>) -> ValR<Val> {
    let flags = cv.0.pop_var();
    let pattern = cv.0.pop_var();
    let text = cv.1.try_as_utf8_bytes()?;
    let (regex, flags) = compile(&pattern, &flags)?;
    let mut positions = Positions { text, bytes: 0, characters: 0 };
    let names: Vec<_> = regex.capture_names().collect();
    let mut parts = Vec::new();
    let mut done = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        if flags.ignore_empty && whole.is_empty() {
            continue;
        }
        if wanted.between {
            parts.push(cv.1.as_sub_str(&text[done..whole.start()]));
            done = whole.end();
        }
        if wanted.matches {
            let mut found = Vec::from([describe(&cv.1, &mut positions, Some(whole), None)?]);
            for (index, name) in names.iter().enumerate().skip(1) {
                let name = name.map_or(Val::Null, |name| Val::from(name.to_string()));
                let group = captures.get(index);
                found.push(describe(&cv.1, &mut positions, group, Some(name))?);
            }
            parts.push(found.into_iter().collect());
        }
        if !flags.global {
            break;
        }
    }
    if wanted.between {
        parts.push(cv.1.as_sub_str(&text[done..]));
    }
    Ok(parts.into_iter().collect())
}

struct Flags {
    global: bool,
    ignore_empty: bool,
}

fn compile(pattern: &Val, flags: &Val) -> Result<(Regex, Flags), Error<Val>> {
    let text = |value: &Val| match value {
        Val::Null => Ok(String::new()),
        value => Ok(String::from_utf8_lossy(value.try_as_utf8_bytes()?).into_owned()),
    };
    let pattern = text(pattern)?;
    let mut builder = RegexBuilder::new(&pattern);
    let mut seen = Flags { global: false, ignore_empty: false };
    for flag in text(flags)?.chars() {
        match flag {
            'g' => seen.global = true,
            'n' => seen.ignore_empty = true,
            'i' => drop(builder.case_insensitive(true)),
            'x' => drop(builder.ignore_whitespace(true)),
            // Oniguruma's names, as jq's manual has them.
            's' | 'p' => drop(builder.dot_matches_new_line(true)),
            'l' => {}
            _ => return Err(Error::str(format!("{flag} is not a valid modifier string"))),
        }
    }
    let regex = builder.build().map_err(|error| {
        Error::str(format!("{pattern} (at offset 0) is not a valid regex: {error}"))
    })?;
    Ok((regex, seen))
}

/// A match or a group of it, as jq shows it.
fn describe(
    whole: &Val,
    positions: &mut Positions<'_>,
    found: Option<Match<'_>>,
    name: Option<Val>,
) -> ValR<Val> {
    let key = |name: &str| Val::from(name.to_string());
    let (offset, length, string) = match found {
        Some(found) => (
            Val::from(positions.of(found.start())),
            Val::from(characters(found.as_bytes())),
            whole.as_sub_str(found.as_bytes()),
        ),
        None => (Val::from(-1isize), Val::from(0usize), Val::Null),
    };
    let fields = [(key("offset"), offset), (key("length"), length), (key("string"), string)];
    Val::from_map(fields.into_iter().chain(name.map(|name| (key("name"), name))))
}

/// Counts characters up to places, mostly further and further.
struct Positions<'a> {
    text: &'a [u8],
    bytes: usize,
    characters: usize,
}

impl Positions<'_> {
    fn of(&mut self, bytes: usize) -> usize {
        if bytes < self.bytes {
            (self.bytes, self.characters) = (0, 0);
        }
        self.characters += characters(&self.text[self.bytes..bytes]);
        self.bytes = bytes;
        self.characters
    }
}

fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}
