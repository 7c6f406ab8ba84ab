//! The values that attributes have (CloudEvents 1.0.2, Type System), and their canonical strings.

use alloc::{borrow::ToOwned, string::String, string::ToString, vec::Vec};
use core::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::error::Invalid;
use crate::{Timestamp, Uri, UriReference, text};

const SECTION: &str = "CloudEvents 1.0.2, Type System";

/// An attribute's value. [`Display`](fmt::Display) gives its canonical string.
///
/// Formats differ in how much of the type they tell: Protobuf all of it, JSON whether it is a Boolean, an
/// Integer or something that is written as a string, the environment nothing. What is read from a string
/// is a [`Value::String`]; [`Value::to_kind`] turns it into what the reader knows it to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// Text without control characters and noncharacters.
    String(String),
    /// Bytes; Base64 where they are written as a string.
    Binary(Vec<u8>),
    /// An absolute URI.
    Uri(Uri),
    /// A URI or a relative reference.
    UriReference(UriReference),
    /// An instant.
    Timestamp(Timestamp),
}

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Of [`Value::Boolean`].
    Boolean,
    /// Of [`Value::Integer`].
    Integer,
    /// Of [`Value::String`].
    String,
    /// Of [`Value::Binary`].
    Binary,
    /// Of [`Value::Uri`].
    Uri,
    /// Of [`Value::UriReference`].
    UriReference,
    /// Of [`Value::Timestamp`].
    Timestamp,
}

impl Value {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Boolean(_) => Kind::Boolean,
            Self::Integer(_) => Kind::Integer,
            Self::String(_) => Kind::String,
            Self::Binary(_) => Kind::Binary,
            Self::Uri(_) => Kind::Uri,
            Self::UriReference(_) => Kind::UriReference,
            Self::Timestamp(_) => Kind::Timestamp,
        }
    }

    /// Reads the canonical string of a value of the type `kind`.
    pub fn parse(kind: Kind, string: &str) -> Result<Self, Invalid> {
        let invalid = |expected| Invalid::new(string, expected, SECTION);
        Ok(match kind {
            Kind::Boolean => match string {
                "true" => Self::Boolean(true),
                "false" => Self::Boolean(false),
                _ => return Err(invalid("a Boolean, true or false")),
            },
            Kind::Integer => Self::Integer(integer(string)?),
            Kind::String => {
                text::check(string)?;
                Self::String(string.to_owned())
            }
            Kind::Binary => Self::Binary(from_base64(string)?),
            Kind::Uri => Self::Uri(string.parse()?),
            Kind::UriReference => Self::UriReference(string.parse()?),
            Kind::Timestamp => Self::Timestamp(string.parse()?),
        })
    }

    /// The value as one of the type `kind`: itself, or by its canonical string.
    pub fn to_kind(&self, kind: Kind) -> Result<Self, Invalid> {
        if self.kind() == kind { Ok(self.clone()) } else { Self::parse(kind, &self.to_string()) }
    }

    /// Whether an attribute can have it: all but strings are valid by their types.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if let Self::String(string) = self { text::check(string) } else { Ok(()) }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::String(value) => f.write_str(value),
            Self::Binary(value) => f.write_str(&to_base64(value)),
            Self::Uri(value) => value.fmt(f),
            Self::UriReference(value) => value.fmt(f),
            Self::Timestamp(value) => value.fmt(f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::String => "String",
            Self::Binary => "Binary",
            Self::Uri => "URI",
            Self::UriReference => "URI-reference",
            Self::Timestamp => "Timestamp",
        })
    }
}

/// Base64 with its padding (RFC 4648, 4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of Base64 that is written as [`to_base64`] writes it, and not otherwise.
pub(crate) fn from_base64(string: &str) -> Result<Vec<u8>, Invalid> {
    let decoded = STANDARD.decode(string);
    decoded.map_err(|_| Invalid::new(string, "Base64 with its padding", "RFC 4648, 4"))
}

/// A number of 32 bits: digits without a leading zero, perhaps after a minus (RFC 7159, 6).
pub(crate) fn integer(string: &str) -> Result<i32, Invalid> {
    let digits = string.strip_prefix('-').unwrap_or(string);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    let number = if is_plain { string.parse().ok() } else { None };
    number.ok_or_else(|| {
        Invalid::new(string, "an Integer, -2147483648 to 2147483647 without fraction", SECTION)
    })
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Binary(value)
    }
}

impl From<Uri> for Value {
    fn from(value: Uri) -> Self {
        Self::Uri(value)
    }
}

impl From<UriReference> for Value {
    fn from(value: UriReference) -> Self {
        Self::UriReference(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Timestamp(value)
    }
}
