//! Values as JSON text, laid out as jq does.

use alloc::string::String;
use alloc::vec::Vec;

use ampoule::io::{Error, Write};
use jaq_json::Val;

use crate::number;

/// What follows a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// A newline.
    #[default]
    Line,
    /// Nothing: `-j`.
    Nothing,
}

/// How values are written.
#[derive(Clone, Debug)]
pub struct Format {
    /// What each level of a value is moved in by; none means that all stands in one line.
    pub indent: Option<String>,
    pub sort_keys: bool,
    /// Strings as they are, without quotes.
    pub raw: bool,
    pub ends: Ends,
}

impl Default for Format {
    fn default() -> Self {
        Self { indent: Some(String::from("  ")), sort_keys: false, raw: false, ends: Ends::Line }
    }
}

impl Format {
    /// One line, quoted: what `tojson` gives.
    pub fn compact() -> Self {
        Self { indent: None, ..Self::default() }
    }

    /// Appends a value.
    pub fn write(&self, value: &Val, text: &mut Vec<u8>) {
        self.value(value, 0, text);
    }

    fn value(&self, value: &Val, level: usize, text: &mut Vec<u8>) {
        match value {
            Val::Null => text.extend_from_slice(b"null"),
            Val::Bool(false) => text.extend_from_slice(b"false"),
            Val::Bool(true) => text.extend_from_slice(b"true"),
            Val::Num(number) => text.extend_from_slice(number::show(number).as_bytes()),
            Val::BStr(bytes) | Val::TStr(bytes) => string(bytes, text),
            Val::Arr(items) => self.sequence(b"[]", items.iter(), level, text, |item, text| {
                self.value(item, level + 1, text);
            }),
            Val::Obj(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                if self.sort_keys {
                    fields.sort_by_key(|(key, _)| *key);
                }
                self.sequence(b"{}", fields.into_iter(), level, text, |(key, field), text| {
                    self.value(key, level + 1, text);
                    text.extend_from_slice(if self.indent.is_some() { b": " } else { b":" });
                    self.value(field, level + 1, text);
                });
            }
        }
    }

    fn sequence<T>(
        &self,
        brackets: &[u8; 2],
        items: impl ExactSizeIterator<Item = T>,
        level: usize,
        text: &mut Vec<u8>,
        mut each: impl FnMut(T, &mut Vec<u8>),
    ) {
        text.push(brackets[0]);
        let is_empty = items.len() == 0;
        for (index, item) in items.enumerate() {
            if index > 0 {
                text.push(b',');
            }
            self.new_line(level + 1, text);
            each(item, text);
        }
        if !is_empty {
            self.new_line(level, text);
        }
        text.push(brackets[1]);
    }

    fn new_line(&self, level: usize, text: &mut Vec<u8>) {
        if let Some(indent) = &self.indent {
            text.push(b'\n');
            for _ in 0..level {
                text.extend_from_slice(indent.as_bytes());
            }
        }
    }
}

fn string(bytes: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    for &byte in String::from_utf8_lossy(bytes).as_bytes() {
        let escape = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..=0x1f | 0x7f => {
                text.extend_from_slice(alloc::format!("\\u{byte:04x}").as_bytes());
                continue;
            }
            _ => {
                text.push(byte);
                continue;
            }
        };
        text.extend_from_slice(&[b'\\', escape]);
    }
    text.push(b'"');
}

/// Writes values to a stream.
pub struct Printer<W> {
    format: Format,
    output: W,
    text: Vec<u8>,
}

impl<W: Write<Error = Error>> Printer<W> {
    /// A printer that has printed nothing.
    pub fn new(format: Format, output: W) -> Self {
        Self { format, output, text: Vec::new() }
    }

    /// Prints a value.
    pub fn print(&mut self, value: &Val) -> Result<(), Error> {
        self.text.clear();
        match value {
            Val::TStr(bytes) if self.format.raw => {
                self.text.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
            }
            value => self.format.write(value, &mut self.text),
        }
        if self.format.ends == Ends::Line {
            self.text.push(b'\n');
        }
        self.output.write_all(&self.text)
    }

    /// Passes on what has been printed.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, format: &Format) -> String {
        let value = jaq_json::read::parse_single(json.as_bytes()).expect("JSON");
        let mut text = Vec::new();
        format.write(&value, &mut text);
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn values_are_laid_out() {
        let json = r#"{"b":[1,{}],"a":[]}"#;
        let pretty = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}";
        assert_eq!(shown(json, &Format::default()), pretty);
        assert_eq!(shown(json, &Format::compact()), json);
        let sorted = Format { sort_keys: true, ..Format::compact() };
        assert_eq!(shown(json, &sorted), r#"{"a":[],"b":[1,{}]}"#);
    }

    #[test]
    fn strings_are_escaped() {
        let json = r#""\u0000\u007f\u0080é/\\\"\b\f\n\r\t""#;
        let shown = shown(json, &Format::compact());
        assert_eq!(shown, "\"\\u0000\\u007f\u{80}é/\\\\\\\"\\b\\f\\n\\r\\t\"");
    }
}
