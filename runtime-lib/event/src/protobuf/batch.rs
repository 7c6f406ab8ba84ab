//! Batches in Protobuf (Protobuf format 1.0.2, 5).

use alloc::{boxed::Box, vec::Vec};

use super::fields::{Message, batch};
use super::read::from_message;
use super::write::{put_bytes, to_protobuf};
use crate::Event;
use crate::error::Error;

/// Reads a batch, one event after the other; nothing is kept of those that were read.
pub fn from_protobuf_batch(bytes: &[u8]) -> Batch<'_> {
    Batch { message: Some(Message::new(bytes)), index: 0 }
}

/// Writes a batch.
pub fn to_protobuf_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        put_bytes(&mut bytes, batch::EVENTS, &to_protobuf(event));
    }
    bytes
}

/// The events of a batch. After an error there are no more: a batch is valid as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// None after an error.
    message: Option<Message<'a>>,
    /// How many events have been read.
    index: usize,
}

impl Batch<'_> {
    fn advance(&mut self) -> Result<Option<Event>, Error> {
        let Some(message) = &mut self.message else { return Ok(None) };
        while let Some((number, field)) = message.field()? {
            if number == batch::EVENTS {
                let index = self.index;
                self.index += 1;
                let event = from_message(message.message(field)?);
                let in_batch = |error| Error::InBatch { index, error: Box::new(error) };
                return event.map(Some).map_err(in_batch);
            }
        }
        Ok(None)
    }
}

impl Iterator for Batch<'_> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.advance();
        if event.is_err() {
            self.message = None;
        }
        event.transpose()
    }
}
