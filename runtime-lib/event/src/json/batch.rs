//! Batches in JSON (JSON format 1.0.2, 4).

use alloc::{boxed::Box, string::String, vec::Vec};

use super::read::{EVENT, from_json};
use super::scanner::Scanner;
use super::write::write_event;
use crate::Event;
use crate::error::Error;

/// Reads a batch, one event after the other; nothing is kept of those that were read.
pub fn from_json_batch(bytes: &[u8]) -> Batch<'_> {
    Batch { scanner: Scanner::new(bytes), index: 0, state: State::Start }
}

/// Writes a batch as one line of JSON, without a line feed at its end.
pub fn to_json_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut text = String::from("[");
    for event in events {
        if text.len() > 1 {
            text.push(',');
        }
        write_event(&mut text, event);
    }
    text.push(']');
    text.into_bytes()
}

/// The events of a batch. After an error there are no more: a batch is valid as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    scanner: Scanner<'a>,
    /// How many events have been read.
    index: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Start,
    Inside,
    End,
}

impl Batch<'_> {
    /// Goes to the next event, if there is one.
    fn advance(&mut self) -> Result<Option<Event>, Error> {
        if self.state == State::Start {
            self.scanner.expect(b'[', "a batch, which is an array of events, `[{…},…]`")?;
        }
        if self.scanner.take(b']') {
            self.state = State::End;
            return self.scanner.end().map(|()| None);
        }
        if self.state == State::Inside {
            self.scanner.expect(b',', "`,` or `]`")?;
        }
        self.state = State::Inside;
        let value = self.scanner.object(EVENT)?;
        let index = self.index;
        self.index += 1;
        let event = from_json(value.get().as_bytes());
        event.map(Some).map_err(|error| Error::InBatch { index, error: Box::new(error) })
    }
}

impl Iterator for Batch<'_> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::End {
            return None;
        }
        let event = self.advance();
        if event.is_err() {
            self.state = State::End;
        }
        event.transpose()
    }
}
