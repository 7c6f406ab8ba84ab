//! How a call carries events (SPEC C5): told by `CONTENT_TYPE` and the attributes in the environment.

use alloc::string::String;
use core::fmt;

use crate::MediaType;
use crate::error::{Error, Invalid};

/// An event format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The JSON format.
    Json,
    /// The Protobuf format.
    Protobuf,
}

/// How a call carries events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Not at all: bytes.
    Raw,
    /// One event: attributes in the environment, data by itself.
    Binary,
    /// One event, in a format.
    Structured(Format),
    /// Any number of events, in a format.
    Batched(Format),
}

const STRUCTURED: &str = "application/cloudevents";
const BATCHED: &str = "application/cloudevents-batch";

impl Format {
    /// The suffix of its media types.
    fn suffix(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Protobuf => "protobuf",
        }
    }
}

impl Mode {
    /// The mode of a call with this `CONTENT_TYPE`, and with or without `CE_SPECVERSION` in its environment.
    ///
    /// A content type of CloudEvents decides, as in the HTTP binding (1.0.2, 3); in a format or a charset that
    /// is not known it is an error.
    pub fn of(content_type: Option<&str>, has_attributes: bool) -> Result<Self, Error> {
        let Some(content_type) = content_type else {
            return Ok(Self::without_format(has_attributes));
        };
        let media_type = match content_type.parse::<MediaType>() {
            Ok(media_type) => media_type,
            Err(invalid) if is_of_events(content_type) => return Err(invalid.of("CONTENT_TYPE")),
            // The function may make something of it.
            Err(_) => return Ok(Self::without_format(has_attributes)),
        };
        let essence = media_type.essence().to_ascii_lowercase();
        let (family, suffix) = essence.split_once('+').unwrap_or((&essence, ""));
        if family != STRUCTURED && family != BATCHED {
            return Ok(Self::without_format(has_attributes));
        }
        let format = match suffix {
            "json" if media_type.is_utf8() => Format::Json,
            "protobuf" => Format::Protobuf,
            _ => {
                let expected = "+json in UTF-8 or +protobuf, the formats that are understood";
                return Err(Invalid::new(content_type, expected, "SPEC C5").of("CONTENT_TYPE"));
            }
        };
        Ok(if family == BATCHED { Self::Batched(format) } else { Self::Structured(format) })
    }

    fn without_format(has_attributes: bool) -> Self {
        if has_attributes { Self::Binary } else { Self::Raw }
    }

    /// The name that an image's note has for it: `raw`, `binary`, `structured` or `batched`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Binary => "binary",
            Self::Structured(_) => "structured",
            Self::Batched(_) => "batched",
        }
    }

    /// The format, in modes that have one.
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Raw | Self::Binary => None,
            Self::Structured(format) | Self::Batched(format) => Some(format),
        }
    }

    /// The `CONTENT_TYPE` that tells this mode; `None` if the mode leaves it to the data.
    pub fn content_type(self) -> Option<String> {
        let (family, format) = match self {
            Self::Raw | Self::Binary => return None,
            Self::Structured(format) => (STRUCTURED, format),
            Self::Batched(format) => (BATCHED, format),
        };
        Some([family, format.suffix()].join("+"))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether something begins like the media types of events.
fn is_of_events(content_type: &str) -> bool {
    let beginning = content_type.get(..STRUCTURED.len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(STRUCTURED))
}
