//! Why something is not an event. A message names the attribute, shows its value made harmless, and
//! says what was expected and which section asks for it.

use alloc::{boxed::Box, format, string::String};
use core::fmt::{self, Write};

use crate::Mode;

use crate::Value;

/// Most characters of a foreign text that a message shows.
const EXCERPT_CHARACTERS: usize = 60;

/// Why something is not an event, or cannot be written as asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An attribute's value, or a member of the same standing, is not what it has to be.
    #[error("`{name}`: {invalid}")]
    Attribute {
        /// The attribute.
        name: Excerpt,
        /// What is wrong with its value.
        invalid: Invalid,
    },
    /// A name is not one that an attribute can have.
    #[error("an attribute's name: {0}")]
    Name(Invalid),
    /// A required attribute is not there.
    #[error("`{0}` is missing, which every event has (CloudEvents 1.0.2, REQUIRED Attributes)")]
    Missing(&'static str),
    /// Something that an event has once is there twice.
    #[error("`{0}` is there twice, where an event has it once at most")]
    Twice(Excerpt),
    /// Both forms of data are there.
    #[error(
        "both `data` and `data_base64` are there, of which an event has one at most (JSON format 1.0.2, 3.1.1)"
    )]
    TwoData,
    /// The bytes are not JSON, or not the JSON of an event or a batch.
    #[error("line {line}, column {column} of the JSON: {problem}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, in bytes from 1; 0 for the end of the line before.
        column: usize,
        /// What is wrong there.
        problem: Excerpt,
    },
    /// The bytes are not a Protobuf message, or not the one expected.
    #[error("byte {byte} of the Protobuf: {problem}")]
    Protobuf {
        /// Position behind what could be read, in bytes from 0.
        byte: usize,
        /// What is wrong there.
        problem: Excerpt,
    },
    /// An event of a batch is none.
    #[error("event {index} of the batch: {error}")]
    InBatch {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// An event of a stream is none, after others that are.
    #[error("event {index} of the stream: {error}")]
    InStream {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// A stream is not made of JSON texts, or of one array.
    #[cfg(feature = "json")]
    #[error(transparent)]
    Texts(#[from] crate::json::SplitError),
    /// A stream is not a batch in Protobuf.
    #[cfg(feature = "protobuf")]
    #[error("the Protobuf of the batch: {0}")]
    Elements(#[from] ampoule_abi::wire::Malformed),
    /// Events are wanted in a format that is not there.
    #[error(
        "there are no events as {} here: the program was built without that format",
        .0.content_type().as_deref().unwrap_or("bytes")
    )]
    NoFormat(Mode),
    /// A second event in a form that has room for one.
    #[error(
        "Protobuf without a batch has room for one event, and there is another: ask for a batch"
    )]
    OneOnly,
    /// Text cannot be given as bytes.
    #[error(
        "the data is text, which is sent in UTF-8 only, but `datacontenttype` is {0}; give the data as bytes"
    )]
    Charset(Excerpt),
}

/// A value that is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value} is not {expected} ({section})")]
pub struct Invalid {
    value: Excerpt,
    expected: &'static str,
    section: &'static str,
}

impl Invalid {
    /// `text` is not `expected`, for which `section` asks.
    pub(crate) fn new(text: &str, expected: &'static str, section: &'static str) -> Self {
        Self { value: Excerpt::quoted(text), expected, section }
    }

    /// `value` is of another type than `expected`.
    pub(crate) fn kind(value: &Value, expected: &'static str) -> Self {
        let shown = Excerpt::new(&format!("the {} {value}", value.kind()));
        Self { value: shown, expected, section: "CloudEvents 1.0.2, Context Attributes" }
    }

    /// There is no value.
    #[cfg(feature = "protobuf")]
    pub(crate) fn nothing(expected: &'static str, section: &'static str) -> Self {
        Self { value: Excerpt::new("nothing"), expected, section }
    }

    /// What is wrong is the value of the attribute `name`.
    pub fn of(self, name: &str) -> Error {
        Error::Attribute { name: Excerpt::new(name), invalid: self }
    }
}

/// The beginning of a foreign text, without control characters: fit for a terminal or a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The beginning of `text`.
    pub(crate) fn new(text: &str) -> Self {
        Self(shorten(text).into())
    }

    /// The beginning of `text` in quotation marks.
    pub(crate) fn quoted(text: &str) -> Self {
        let mut quoted = String::from("\"");
        quoted.push_str(&shorten(text));
        quoted.push('"');
        Self(quoted.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn shorten(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(EXCERPT_CHARACTERS) {
        // `escape_debug` also takes what turns the writing direction and what is invisible.
        let escaped = character.escape_debug();
        write!(shown, "{escaped}").expect("a string takes everything");
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}
