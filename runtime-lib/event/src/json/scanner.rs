//! A walk through JSON, one token or value after the other; the values are serde_json's to find.

use alloc::string::String;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::position;
use crate::error::Error;

/// How far some JSON has been read.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Goes behind `byte`, if that is what comes next.
    pub fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next
    }

    /// Goes behind `byte`, which has to come next.
    pub fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Error> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// Goes behind the value that has to come next.
    pub fn value(&mut self) -> Result<&'a RawValue, Error> {
        self.peek();
        let mut deserializer = serde_json::Deserializer::from_slice(&self.bytes[self.position..]);
        match <&RawValue>::deserialize(&mut deserializer) {
            Ok(value) => {
                self.position += value.get().len();
                Ok(value)
            }
            Err(error) => Err(position::syntax_from(self.bytes, self.position, &error)),
        }
    }

    /// Checks that nothing comes any more.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end")),
        }
    }

    /// What comes next instead of what was expected.
    pub fn unexpected(&self, expected: &str) -> Error {
        position::unexpected(self.bytes, self.position, expected)
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &u8| b" \t\n\r".contains(byte);
        let rest = &self.bytes[self.position..];
        self.position += rest.iter().take_while(|byte| is_space(byte)).count();
        self.bytes.get(self.position).copied()
    }
}

/// The string that a JSON string is, quotation marks and all; `None` for one with half of a surrogate pair,
/// and for what is no string.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut string = String::with_capacity(rest.len());
    while let Some((plain, escape)) = rest.split_once('\\') {
        string.push_str(plain);
        let mut characters = escape.chars();
        let character = match characters.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = hexadecimal(&mut characters)?;
                match char::from_u32(first) {
                    Some(character) => character,
                    None => surrogate_pair(first, &mut characters)?,
                }
            }
            itself => itself,
        };
        string.push(character);
        rest = characters.as_str();
    }
    string.push_str(rest);
    Some(string)
}

/// The character of which the first half has been read.
fn surrogate_pair(first: u32, characters: &mut core::str::Chars<'_>) -> Option<char> {
    let high = first.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    if (characters.next()?, characters.next()?) != ('\\', 'u') {
        return None;
    }
    let low = hexadecimal(characters)?.checked_sub(0xdc00)?;
    if low < 0x400 { char::from_u32(0x1_0000 + (high << 10) + low) } else { None }
}

/// Four hexadecimal digits.
fn hexadecimal(characters: &mut core::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| Some(number << 4 | characters.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_units_of_utf_16_alone_are_as_serde_json_reads_them() {
        for unit in 0..=u16::MAX {
            let text = alloc::format!("\"a\\u{unit:04x}z\"");
            assert_eq!(unescape(&text), serde_json::from_str(&text).ok(), "{text}");
        }
    }

    #[test]
    fn pairs_and_other_escapes_are_as_serde_json_reads_them() {
        let ends = [
            "\\ud7ff", "\\ud800", "\\uDbff", "\\udc00", "\\udfff", "\\ue000", "\\n", "\\\\", "ä",
            "",
        ];
        let others = r#""\"\\\/\b\f\n\r\t\u0000""#;
        assert_eq!(unescape(others), serde_json::from_str(others).ok());
        for first in ends {
            for second in ends {
                for third in ends {
                    let text = alloc::format!("\"{first}{second}{third}\"");
                    assert_eq!(unescape(&text), serde_json::from_str(&text).ok(), "{text}");
                }
            }
        }
        for text in ["", "\"", "1", "null", "x\""] {
            assert_eq!(unescape(text), None);
        }
    }
}
