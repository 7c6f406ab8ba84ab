//! Events out of a stream of bytes that comes in pieces, and into one: no more than one event is held.

use alloc::{boxed::Box, vec::Vec};

use crate::error::Error;
#[cfg(feature = "json")]
use crate::json::{self, Texts};
#[cfg(feature = "protobuf")]
use crate::protobuf::{self, Elements};
use crate::{Event, Format, Mode};

/// Reads the events of a stream.
#[derive(Debug)]
pub struct Reader {
    form: Form,
    is_batch: bool,
    /// How many events have come.
    count: usize,
}

#[derive(Debug)]
enum Form {
    #[cfg(feature = "json")]
    Texts(Texts),
    /// One event, which nothing but the stream's end ends.
    #[cfg(feature = "protobuf")]
    Message(Vec<u8>),
    #[cfg(feature = "protobuf")]
    Elements(Elements),
}

impl Reader {
    /// Reads what comes in `mode`: in JSON one structured event after another, in Protobuf one or
    /// none, or the events of one batch.
    ///
    /// # Errors
    ///
    /// [`Error::NoFormat`] for a format that was left out at compile time, and for modes without a format.
    pub fn new(mode: Mode) -> Result<Self, Error> {
        let form = match mode {
            #[cfg(feature = "json")]
            Mode::Structured(Format::Json) => Form::Texts(Texts::in_sequence()),
            #[cfg(feature = "json")]
            Mode::Batched(Format::Json) => Form::Texts(Texts::in_array()),
            #[cfg(feature = "protobuf")]
            Mode::Structured(Format::Protobuf) => Form::Message(Vec::new()),
            #[cfg(feature = "protobuf")]
            Mode::Batched(Format::Protobuf) => Form::Elements(Elements::default()),
            _ => return Err(Error::NoFormat(mode)),
        };
        Ok(Self { form, is_batch: matches!(mode, Mode::Batched(_)), count: 0 })
    }

    /// Takes bytes off `input` until an event is whole, which is returned, or none are left.
    ///
    /// # Errors
    ///
    /// There is something that is no event; what comes after then is of no use.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let found = match &mut self.form {
            #[cfg(feature = "json")]
            Form::Texts(texts) => match texts.next(input) {
                Ok(text) => text.map(json::from_json).transpose(),
                Err(error) => Err(error.into()),
            },
            #[cfg(feature = "protobuf")]
            Form::Message(bytes) => {
                bytes.extend_from_slice(input);
                *input = &[];
                Ok(None)
            }
            #[cfg(feature = "protobuf")]
            Form::Elements(elements) => match elements.next(input) {
                Ok(element) => element.map(protobuf::from_protobuf).transpose(),
                Err(malformed) => Err(malformed.into()),
            },
        };
        self.placed(found)
    }

    /// The last event, if there is one that only the stream's end shows to be whole.
    ///
    /// # Errors
    ///
    /// What is left is no event, or the stream ended too early.
    pub fn finish(&mut self) -> Result<Option<Event>, Error> {
        let found = match &mut self.form {
            #[cfg(feature = "json")]
            Form::Texts(texts) => match texts.finish() {
                Ok(text) => text.map(json::from_json).transpose(),
                Err(error) => Err(error.into()),
            },
            #[cfg(feature = "protobuf")]
            // A function that has no answer writes nothing.
            Form::Message(bytes) if bytes.is_empty() => Ok(None),
            #[cfg(feature = "protobuf")]
            Form::Message(bytes) => protobuf::from_protobuf(bytes).map(Some),
            #[cfg(feature = "protobuf")]
            Form::Elements(elements) => elements.finish().map(|()| None).map_err(Error::from),
        };
        self.placed(found)
    }

    /// Counts what was found, and tells of what went wrong where.
    fn placed(&mut self, found: Result<Option<Event>, Error>) -> Result<Option<Event>, Error> {
        let index = self.count;
        match found {
            Ok(event) => {
                self.count += usize::from(event.is_some());
                Ok(event)
            }
            Err(error) if self.is_batch => Err(Error::InBatch { index, error: Box::new(error) }),
            Err(error) if index > 0 => Err(Error::InStream { index, error: Box::new(error) }),
            Err(error) => Err(error),
        }
    }
}

/// Writes events to a stream.
#[derive(Debug)]
pub struct Writer {
    mode: Mode,
    /// How many events have been written.
    count: u64,
}

impl Writer {
    /// Writes in `mode`.
    ///
    /// # Errors
    ///
    /// As [`Reader::new`].
    pub fn new(mode: Mode) -> Result<Self, Error> {
        Reader::new(mode).map(|_| Self { mode, count: 0 })
    }

    /// Appends what `event` adds to the stream.
    ///
    /// # Errors
    ///
    /// [`Error::OneOnly`] for a second event where there is room for one.
    pub fn add(&mut self, event: &Event, bytes: &mut Vec<u8>) -> Result<(), Error> {
        match self.mode {
            #[cfg(feature = "json")]
            Mode::Structured(Format::Json) => {
                bytes.append(&mut json::to_json(event));
                bytes.push(b'\n');
            }
            #[cfg(feature = "json")]
            Mode::Batched(Format::Json) => {
                bytes.push(if self.count == 0 { b'[' } else { b',' });
                bytes.append(&mut json::to_json(event));
            }
            #[cfg(feature = "protobuf")]
            Mode::Structured(Format::Protobuf) => {
                if self.count > 0 {
                    return Err(Error::OneOnly);
                }
                bytes.append(&mut protobuf::to_protobuf(event));
            }
            #[cfg(feature = "protobuf")]
            Mode::Batched(Format::Protobuf) => {
                protobuf::put_in_batch(bytes, event);
            }
            mode => return Err(Error::NoFormat(mode)),
        }
        self.count += 1;
        Ok(())
    }

    /// Appends what ends the stream.
    pub fn finish(&self, bytes: &mut Vec<u8>) {
        if self.mode == Mode::Batched(Format::Json) {
            let end: &[u8] = if self.count == 0 { b"[]\n" } else { b"]\n" };
            bytes.extend_from_slice(end);
        }
    }
}
