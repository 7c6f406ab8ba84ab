//! Numbers of the fields of `cloudevents.proto` (package `io.cloudevents.v1`) and of the two messages of
//! google.protobuf that it uses, and a message that is being read.

use alloc::string::ToString;

use ampoule_abi::wire::{Fields, Malformed, Value};

use crate::error::{Error, Excerpt};

/// Fields of `CloudEvent`.
pub(super) mod event {
    pub const ID: u32 = 1;
    pub const SOURCE: u32 = 2;
    pub const SPEC_VERSION: u32 = 3;
    pub const TYPE: u32 = 4;
    pub const ATTRIBUTES: u32 = 5;
    pub const BINARY_DATA: u32 = 6;
    pub const TEXT_DATA: u32 = 7;
    pub const PROTO_DATA: u32 = 8;
}

/// Fields of an entry of `CloudEvent.attributes`, as of every map.
pub(super) mod entry {
    pub const KEY: u32 = 1;
    pub const VALUE: u32 = 2;
}

/// Fields of `CloudEventAttributeValue`.
pub(super) mod value {
    pub const BOOLEAN: u32 = 1;
    pub const INTEGER: u32 = 2;
    pub const STRING: u32 = 3;
    pub const BYTES: u32 = 4;
    pub const URI: u32 = 5;
    pub const URI_REF: u32 = 6;
    pub const TIMESTAMP: u32 = 7;
}

/// Fields of `google.protobuf.Timestamp`.
pub(super) mod timestamp {
    pub const SECONDS: u32 = 1;
    pub const NANOS: u32 = 2;
}

/// Fields of `google.protobuf.Any`.
pub(super) mod any {
    pub const TYPE_URL: u32 = 1;
    pub const VALUE: u32 = 2;
}

/// Fields of `CloudEventBatch`.
pub(super) mod batch {
    pub const EVENTS: u32 = 1;
}

/// A message that is being read, and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    fields: Fields<'a>,
    /// Where it ends, in bytes from the beginning of everything.
    end: usize,
}

impl<'a> Message<'a> {
    /// Everything.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { fields: Fields::new(bytes), end: bytes.len() }
    }

    /// The next field's number and value, if there is one.
    pub fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, Error> {
        let start = self.position();
        let field = self.fields.next().transpose();
        field.map_err(|malformed| malformed_at(start, malformed))
    }

    /// Bytes of the field that was read last.
    pub fn bytes(&self, value: Value<'a>) -> Result<&'a [u8], Error> {
        value.bytes().map_err(|malformed| malformed_at(self.position(), malformed))
    }

    /// Text of the field that was read last.
    pub fn text(&self, value: Value<'a>) -> Result<&'a str, Error> {
        str::from_utf8(self.bytes(value)?).map_err(|_| self.error("text that is not UTF-8 ends"))
    }

    /// Number of the field that was read last.
    pub fn number(&self, value: Value<'a>) -> Result<u64, Error> {
        value.varint().map_err(|malformed| malformed_at(self.position(), malformed))
    }

    /// Message of the field that was read last.
    pub fn message(&self, value: Value<'a>) -> Result<Message<'a>, Error> {
        Ok(Message { fields: Fields::new(self.bytes(value)?), end: self.position() })
    }

    /// An error behind what was read last.
    pub fn error(&self, problem: &str) -> Error {
        Error::Protobuf { byte: self.position(), problem: Excerpt::new(problem) }
    }

    /// Keeps the value of a field that is there once at most.
    pub fn once<T>(&self, slot: &mut Option<T>, value: T) -> Result<(), Error> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.error("a field, or another in its place, is there again")),
        }
    }

    fn position(&self) -> usize {
        self.end - self.fields.rest().len()
    }
}

fn malformed_at(byte: usize, malformed: Malformed) -> Error {
    Error::Protobuf { byte, problem: Excerpt::new(&malformed.to_string()) }
}
