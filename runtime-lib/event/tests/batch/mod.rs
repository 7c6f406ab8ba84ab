//! Batches as a whole, for tests.

use ampoule_event::stream::{Reader, Writer};
use ampoule_event::{Error, Event, Format, Mode};

/// The events of a batch up to the first that is none, and why; however it is cut they are the same.
pub fn read(format: Format, bytes: &[u8]) -> (Vec<Event>, Option<Error>) {
    let whole = in_pieces(format, bytes, bytes.len().max(1));
    assert_eq!(in_pieces(format, bytes, 1), whole);
    assert_eq!(in_pieces(format, bytes, 7), whole);
    whole
}

fn in_pieces(format: Format, bytes: &[u8], length: usize) -> (Vec<Event>, Option<Error>) {
    let mut reader = Reader::new(Mode::Batched(format)).expect("the format is there");
    let mut events = Vec::new();
    let mut all = || -> Result<(), Error> {
        for mut piece in bytes.chunks(length) {
            while let Some(event) = reader.next(&mut piece)? {
                events.push(event);
            }
        }
        events.extend(reader.finish()?);
        Ok(())
    };
    let error = all().err();
    (events, error)
}

/// The events of a batch that is one.
#[allow(dead_code, reason = "not each test reads good ones")]
pub fn all(format: Format, bytes: &[u8]) -> Vec<Event> {
    match read(format, bytes) {
        (events, None) => events,
        (_, Some(error)) => panic!("{error}"),
    }
}

/// A batch of these events.
#[allow(dead_code, reason = "not each test writes one")]
pub fn write<'a>(format: Format, events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut writer = Writer::new(Mode::Batched(format)).expect("the format is there");
    let mut bytes = Vec::new();
    for event in events {
        writer.add(event, &mut bytes).expect("a batch has room");
    }
    writer.finish(&mut bytes);
    bytes
}
