//! What an event carries.
//!
//! The same data takes different forms in different formats. [`Data`] is what they have in common: which
//! form it has is settled by `datacontenttype`, not by the format that it came in.
//!
//! | `Data` | its `datacontenttype` | JSON format | Protobuf format | bytes in binary mode |
//! | --- | --- | --- | --- | --- |
//! | `Json` | JSON; set to `application/json` if it was absent | `data`, the value | `text_data` | the value's text |
//! | `Text` | another | `data`, a string | `text_data` | UTF-8 |
//! | `Text` | absent, or JSON and the text is none | `data_base64` | `text_data` | UTF-8 |
//! | `Binary` | any or absent | `data_base64` | `binary_data` | the bytes |
//! | `Proto` | `application/protobuf` if it was absent | `data_base64`, `dataschema` holds the type URL | `proto_data` | the message |
//!
//! Bytes and text are interpreted as their `datacontenttype` says (as the JSON format allows, 1.0.2, 3.1.2):
//! what is JSON by it becomes `Json`, bytes that are text by it `Text`, and bytes of
//! `application/protobuf` with a type URL as `dataschema` `Proto`; where they are not what it says, they
//! are left as they are. Text without `datacontenttype` exists in Protobuf alone; written to JSON as a
//! string it would turn into a JSON value, so it goes there as bytes. The type URL of a message of which
//! `datacontenttype` or `dataschema` says something else is kept by Protobuf alone.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use crate::error::Invalid;
use crate::json_text::JsonText;
use crate::{MediaType, Uri};

/// An event's data. Text equals the same bytes.
#[derive(Clone, Debug)]
pub enum Data {
    /// Text that is not JSON.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A JSON value.
    Json(JsonText),
    /// A Protobuf message.
    Proto(Proto),
}

/// A Protobuf message and its type, as google.protobuf.Any has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proto {
    type_url: String,
    value: Vec<u8>,
}

/// The media type of messages.
const PROTOBUF: &str = "application/protobuf";
/// What is meant before a type URL that names no scheme (google/protobuf/any.proto).
const DEFAULT_SCHEME: &str = "https://";

impl Proto {
    /// A message, encoded, and its type URL, like `type.googleapis.com/google.protobuf.Duration`, for which
    /// `https://` before it makes no difference.
    pub fn new(type_url: &str, value: Vec<u8>) -> Result<Self, Invalid> {
        let short = type_url.strip_prefix(DEFAULT_SCHEME).unwrap_or(type_url);
        let proto = Self { type_url: short.to_owned(), value };
        let name = short.rsplit_once('/').map_or("", |(_, name)| name);
        if !is_full_name(name) || proto.parse_uri().is_err() {
            return Err(Invalid::new(
                type_url,
                "the URL of a type, with the type's name behind its last slash",
                "google/protobuf/any.proto",
            ));
        }
        Ok(proto)
    }

    /// The type's URL, without `https://`.
    pub fn type_url(&self) -> &str {
        &self.type_url
    }

    /// The message, encoded.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The type's URL as a URI.
    pub fn uri(&self) -> Uri {
        self.parse_uri().expect("checked when it was made")
    }

    fn parse_uri(&self) -> Result<Uri, Invalid> {
        self.type_url.parse().or_else(|_| format!("{DEFAULT_SCHEME}{}", self.type_url).parse())
    }
}

/// Whether this can be the name of a message with its package (protobuf.dev, "Proto3 specification").
fn is_full_name(name: &str) -> bool {
    name.split('.').all(|part| {
        !part.starts_with(|first: char| first.is_ascii_digit())
            && !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

impl Data {
    /// The data as bytes, as binary mode carries it.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
            Self::Json(json) => json.as_str().as_bytes(),
            Self::Proto(proto) => &proto.value,
        }
    }

    /// The data as text, if it is that or a JSON value.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(json) => Some(json.as_str()),
            Self::Binary(_) | Self::Proto(_) => None,
        }
    }

    /// What the data is under this `datacontenttype` and this `dataschema`.
    pub(crate) fn settle(self, media_type: Option<&MediaType>, schema: Option<&Uri>) -> Self {
        let Some(media_type) = media_type else { return self };
        match self {
            Self::Json(json) if !media_type.is_json() => {
                Self::Text(json.into_string()).settle(Some(media_type), schema)
            }
            Self::Text(text) if media_type.is_json() => {
                JsonText::try_from_string(text).map_or_else(Self::Text, Self::Json)
            }
            Self::Text(text) if media_type.is(PROTOBUF) => {
                Self::interpret(text.into_bytes(), media_type, schema)
            }
            Self::Binary(bytes) => Self::interpret(bytes, media_type, schema),
            settled => settled,
        }
    }

    fn interpret(bytes: Vec<u8>, media_type: &MediaType, schema: Option<&Uri>) -> Self {
        if media_type.is_json() {
            return match String::from_utf8(bytes) {
                Ok(text) => match JsonText::try_from_string(text) {
                    Ok(json) => Self::Json(json),
                    Err(text) => Self::Binary(text.into_bytes()),
                },
                Err(error) => Self::Binary(error.into_bytes()),
            };
        }
        if media_type.is_text() {
            return match String::from_utf8(bytes) {
                Ok(text) if media_type.holds(&text) => Self::Text(text),
                Ok(text) => Self::Binary(text.into_bytes()),
                Err(error) => Self::Binary(error.into_bytes()),
            };
        }
        match schema {
            Some(schema) if media_type.is(PROTOBUF) => {
                match Proto::new(schema.as_str(), Vec::new()) {
                    Ok(proto) => Self::Proto(Proto { value: bytes, ..proto }),
                    Err(_) => Self::Binary(bytes),
                }
            }
            _ => Self::Binary(bytes),
        }
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(one), Self::Json(other)) => one == other,
            (Self::Proto(one), Self::Proto(other)) => one == other,
            (Self::Text(_) | Self::Binary(_), Self::Text(_) | Self::Binary(_)) => {
                self.bytes() == other.bytes()
            }
            _ => false,
        }
    }
}

impl Eq for Data {}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl From<JsonText> for Data {
    fn from(json: JsonText) -> Self {
        Self::Json(json)
    }
}

impl From<Proto> for Data {
    fn from(proto: Proto) -> Self {
        Self::Proto(proto)
    }
}
