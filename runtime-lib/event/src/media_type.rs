//! Media types (RFC 2046, by the grammar of RFC 2045, 5.1): what `datacontenttype` and `CONTENT_TYPE`
//! hold.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::error::Invalid;

const EXPECTED: &str = "a media type like text/plain; charset=utf-8";
const SECTION: &str = "CloudEvents 1.0.2, datacontenttype; RFC 2045, 5.1";

/// A media type with its parameters, as it was spelled. As an attribute is free of control characters,
/// so is it: no tabs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType {
    text: String,
    /// Position of the slash, in bytes.
    slash: usize,
    /// Where type and subtype end, in bytes.
    essence_end: usize,
}

impl MediaType {
    /// `application/json`, which JSON data is of if nothing else is said.
    pub fn json() -> Self {
        Self::known("application", "json")
    }

    /// `application/protobuf`, which a Protobuf message is of if nothing else is said.
    pub fn protobuf() -> Self {
        Self::known("application", "protobuf")
    }

    /// `text/plain`.
    pub fn text() -> Self {
        Self::known("text", "plain")
    }

    /// `application/octet-stream`.
    pub fn bytes() -> Self {
        Self::known("application", "octet-stream")
    }

    fn known(kind: &str, subtype: &str) -> Self {
        let text = alloc::format!("{kind}/{subtype}");
        Self { slash: kind.len(), essence_end: text.len(), text }
    }

    /// The media type as it was spelled, with its parameters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Type and subtype, without parameters, as they were spelled: compare them without regard to case.
    pub fn essence(&self) -> &str {
        &self.text[..self.essence_end]
    }

    /// Whether data of it is JSON: `*/json` or `*/*+json` (JSON format 1.0.2, 3.1.1).
    pub fn is_json(&self) -> bool {
        self.subtype_is("json")
    }

    /// Whether data of it is text that was given in UTF-8: `text/*`, `*/xml` or `*/*+xml`, of no other
    /// charset.
    pub fn is_text(&self) -> bool {
        let kind = &self.text[..self.slash];
        (kind.eq_ignore_ascii_case("text") || self.subtype_is("xml")) && self.is_utf8()
    }

    /// Whether nothing or UTF-8, or ASCII, which is a part of it, is named as charset.
    pub fn is_utf8(&self) -> bool {
        let is_utf8 = |charset: &str| {
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
        };
        self.parameter("charset").is_none_or(|charset| is_utf8(&charset))
    }

    /// Whether `text` in UTF-8 is in the charset that is named.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let is_ascii = |charset: &str| charset.eq_ignore_ascii_case("us-ascii");
        let is_limited = || self.parameter("charset").is_some_and(|charset| is_ascii(&charset));
        self.is_utf8() && (text.is_ascii() || !is_limited())
    }

    /// Whether type and subtype are these, whatever their case.
    pub fn is(&self, essence: &str) -> bool {
        self.essence().eq_ignore_ascii_case(essence)
    }

    /// The value of the first parameter of this name, whatever its case, without quotation marks.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut rest = &self.text[self.essence_end..];
        while let Some((found, value, after)) = parameter(rest) {
            if found.eq_ignore_ascii_case(name) {
                return Some(unquoted(value));
            }
            rest = after;
        }
        None
    }

    /// Whether the subtype is `name` or ends with `+name`.
    fn subtype_is(&self, name: &str) -> bool {
        let subtype = &self.text[self.slash + 1..self.essence_end];
        let suffix = subtype.rsplit('+').next().unwrap_or(subtype);
        suffix.eq_ignore_ascii_case(name)
    }
}

impl FromStr for MediaType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new(text, EXPECTED, SECTION);
        let slash = token_length(text);
        let after = text[slash..].strip_prefix('/').ok_or_else(invalid)?;
        let essence_end = slash + 1 + token_length(after);
        if slash == 0 || essence_end == slash + 1 {
            return Err(invalid());
        }
        let mut rest = &text[essence_end..];
        while !rest.is_empty() {
            (_, _, rest) = parameter(rest).ok_or_else(invalid)?;
        }
        Ok(Self { text: text.to_owned(), slash, essence_end })
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Length of the token that `text` begins with, in bytes.
fn token_length(text: &str) -> usize {
    let is_token = |byte: &u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(byte);
    text.bytes().take_while(|byte| is_token(byte)).count()
}

/// Splits `text` into the parameter that it begins with, `; name=value`, and what is behind.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(' ').strip_prefix(';')?.trim_start_matches(' ');
    let (name, rest) = text.split_at(token_length(text));
    let rest = rest.strip_prefix('=')?;
    let length = if rest.starts_with('"') { quoted_length(rest)? } else { token_length(rest) };
    let (value, rest) = rest.split_at(length);
    (!name.is_empty() && !value.is_empty()).then_some((name, value, rest))
}

/// Length of the quoted string that `text` begins with, in bytes.
fn quoted_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b' '..=b'~' if is_escaped => is_escaped = false,
            b'"' => return Some(index + 1),
            b'\\' => is_escaped = true,
            b' '..=b'~' => {}
            _ => return None,
        }
    }
    None
}

fn unquoted(value: &str) -> Cow<'_, str> {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(value);
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read() {
        let texts = [
            "text/plain",
            "application/vnd.apache.thrift.binary",
            "application/cloudevents+json; charset=UTF-8",
            "multipart/mixed;boundary=\"a b\\\"c\" ; x=y",
            "a/*",
        ];
        for text in texts {
            assert_eq!(text.parse::<MediaType>().expect(text).as_str(), text);
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        let texts = [
            "",
            "xyz",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            " a/b",
            "a/b ",
            "a/b;",
            "a/b; ",
            "a/b;c",
            "a/b;c=",
            "a/b;=d",
            "a/b;c= d",
            "a/b;c=d e",
            "a/b;c=\"d",
            "a/b;c=\"d\\\"",
            "a/b,c/d",
            "a/b;c=\"\u{7f}\"",
            "a/\u{e4}",
            "a/b;c=\"\u{e4}\"",
            "a/b\n",
            "a/b (comment)",
            "a/b;\tc=d",
        ];
        for text in texts {
            assert!(text.parse::<MediaType>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn kinds_of_data_are_told_apart() {
        let kind = |text: &str| {
            let media_type: MediaType = text.parse().expect(text);
            (media_type.is_json(), media_type.is_text())
        };
        for text in ["application/json", "text/JSON;x=y", "a/b+c+json", "application/+json"] {
            assert!(kind(text).0, "{text}");
        }
        for text in ["application/jsonp", "json/x", "a/xjson", "a/b;c=\"x/json\"", "a/json+b"] {
            assert!(!kind(text).0, "{text}");
        }
        for text in ["text/csv", "application/xml; charset=\"utf-8\"", "image/svg+XML"] {
            assert_eq!(kind(text), (false, true), "{text}");
        }
        for text in ["image/png", "text/plain; Charset=latin1", "application/vnd.ms-excel"] {
            assert_eq!(kind(text), (false, false), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_found_whatever_its_case_and_quotation() {
        let media_type: MediaType =
            "a/b; x=\"; Charset=z\";CHARSET=\"ut\\f-8\"".parse().expect("one");
        assert_eq!(media_type.parameter("charset").as_deref(), Some("utf-8"));
        assert_eq!(media_type.parameter("x").as_deref(), Some("; Charset=z"));
        assert_eq!(media_type.parameter("y"), None);
    }
}
