//! Streams of events, which are anybody's.

use ampoule_event::stream::{Reader, Writer};
use ampoule_event::{Error, Event, Format, Mode, from_json, from_protobuf, to_json, to_protobuf};

const MODES: [Mode; 4] = [
    Mode::Structured(Format::Json),
    Mode::Batched(Format::Json),
    Mode::Structured(Format::Protobuf),
    Mode::Batched(Format::Protobuf),
];

/// The first byte says in which mode the others are, and in pieces of which length. However they are
/// cut they are the same events; what is taken can be written and is taken again.
pub fn events(bytes: &[u8]) {
    let Some((&choice, stream)) = bytes.split_first() else { return };
    let mode = MODES[usize::from(choice % 4)];
    let (events, error) = read(mode, stream, stream.len().max(1));
    assert_eq!(read(mode, stream, usize::from(choice / 4) + 1), (events.clone(), error.clone()));
    if let Some(error) = error {
        let message = error.to_string();
        assert!(message.len() < 4000 && !message.chars().any(char::is_control), "{message:?}");
    }
    for event in &events {
        assert_eq!(from_protobuf(&to_protobuf(event)).as_ref(), Ok(event));
        // Types of extensions are not all told in JSON.
        let again = from_json(&to_json(event)).expect("what was written");
        assert_eq!((again.id(), again.data().is_some()), (event.id(), event.data().is_some()));
    }
    let batch = Mode::Batched(Format::Protobuf);
    let mut writer = Writer::new(batch).expect("the format is there");
    let mut written = Vec::new();
    events.iter().for_each(|event| writer.add(event, &mut written).expect("a batch has room"));
    writer.finish(&mut written);
    assert_eq!(read(batch, &written, 7), (events, None));
}

/// The events of a stream in pieces of `length` bytes, and why there are no more if that is no end.
fn read(mode: Mode, stream: &[u8], length: usize) -> (Vec<Event>, Option<Error>) {
    let mut reader = Reader::new(mode).expect("the format is there");
    let mut events = Vec::new();
    let mut all = || -> Result<(), Error> {
        for mut piece in stream.chunks(length) {
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

#[cfg(test)]
mod tests {
    #[test]
    fn events() {
        crate::cli::replay::replay("events", super::events, 4000);
    }
}
