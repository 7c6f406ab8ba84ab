//! No bytes make a reader panic, and whatever is taken is written and taken again.

mod arbitrary;
mod batch;

use ampoule_event::{
    Event, Format, Mode, from_environment, from_json, from_protobuf, is_tracestate, to_json,
    to_protobuf,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Events are taken by all formats as soon as they are by one.
fn check(event: Result<Event, ampoule_event::Error>) {
    match event {
        Ok(event) => {
            assert_eq!(from_protobuf(&to_protobuf(&event)).as_ref(), Ok(&event));
            from_json(&to_json(&event)).expect("what was written");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.len() < 4000 && !message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// Changes a few bytes.
fn damage(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (index, byte) in changes {
        let index = index.index(bytes.len());
        bytes[index] = *byte;
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
        check(from_json(&bytes));
        check(from_protobuf(&bytes));
        for format in [Format::Json, Format::Protobuf] {
            let (events, error) = batch::read(format, &bytes);
            events.into_iter().map(Ok).chain(error.map(Err)).for_each(check);
        }
        if let Ok(text) = str::from_utf8(&bytes) {
            is_tracestate(text);
        }
    }

    #[test]
    fn damaged_events_are_taken_or_refused(
        event in arbitrary::event(),
        changes in vec(any::<(prop::sample::Index, u8)>(), 1..4),
    ) {
        check(from_json(&damage(to_json(&event), &changes)));
        check(from_protobuf(&damage(to_protobuf(&event), &changes)));
    }

    #[test]
    fn any_variables_are_taken_or_refused(
        variables in vec(("(CE_[A-Z]{0,3}|CE_\\PC|CONTENT_TYPE)", any::<Vec<u8>>()), 0..4),
        data: Vec<u8>,
    ) {
        let required = ["CE_SPECVERSION", "CE_ID", "CE_SOURCE", "CE_TYPE"];
        let required = required.map(|name| (name.as_bytes(), &b"1.0"[..]));
        let variables = variables.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
        check(from_environment(required.into_iter().chain(variables), data));
    }

    #[test]
    fn any_content_type_is_a_mode_or_refused(text in "(application/cloudevents(-batch)?(\\+json)?)?\\PC{0,20}") {
        let _ = Mode::of(Some(&text), false);
    }
}
