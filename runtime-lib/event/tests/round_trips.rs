//! Events mean the same after any way through the formats.

mod arbitrary;
mod batch;

use ampoule_event::{
    Data, Event, Format, Value, from_environment, from_json, from_protobuf, to_environment,
    to_json, to_protobuf,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn through_json(event: &Event) -> Event {
    from_json(&to_json(event)).expect("what was written")
}

fn through_protobuf(event: &Event) -> Event {
    from_protobuf(&to_protobuf(event)).expect("what was written")
}

fn through_environment(event: &Event) -> Option<Event> {
    let (variables, data) = to_environment(event).ok()?;
    let variables = variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Some(from_environment(variables, data.to_vec()).expect("what was written"))
}

/// The event as it is when nobody told the types of its extensions: but for those that JSON tells, if it
/// was JSON that did not tell them.
fn untyped(event: &Event, is_json: bool) -> Event {
    let mut untyped = event.clone();
    for (name, value) in event.extensions() {
        if !is_json || !matches!(value, Value::Boolean(_) | Value::Integer(_)) {
            untyped = untyped.with_extension(name.as_str(), value.to_string()).expect("valid");
        }
    }
    untyped
}

proptest! {

    #[test]
    fn protobuf_keeps_everything(event in arbitrary::event()) {
        prop_assert_eq!(&through_protobuf(&event), &event);
        prop_assert_eq!(to_protobuf(&through_protobuf(&event)), to_protobuf(&event));
    }

    #[test]
    fn json_keeps_everything_but_types_written_as_strings(event in arbitrary::event()) {
        prop_assert_eq!(through_json(&event), untyped(&event, true));
    }

    #[test]
    fn json_to_protobuf_to_json_changes_nothing(event in arbitrary::event()) {
        let event = through_json(&event);
        prop_assert_eq!(&through_protobuf(&event), &event);
        prop_assert_eq!(to_json(&through_protobuf(&event)), to_json(&event));
    }

    #[test]
    fn protobuf_to_json_to_protobuf_changes_nothing(event in arbitrary::event()) {
        let event = untyped(&through_protobuf(&event), true);
        prop_assert_eq!(through_protobuf(&through_json(&event)), event);
    }

    #[test]
    fn binary_mode_keeps_everything_but_types(event in arbitrary::event()) {
        let Some(mut read) = through_environment(&event) else {
            // Text of another charset than UTF-8, and what would be taken for an event, it cannot carry.
            let is_event = event.datacontenttype().is_some_and(|it| it.as_str().contains("cloudevents"));
            prop_assert!(is_event || matches!(event.data(), Some(Data::Text(_))));
            return Ok(());
        };
        if event.data().is_some_and(|data| data.bytes().is_empty()) {
            prop_assert!(read.data().is_none());
            read = read.with_data(event.data().expect("data").clone());
        }
        prop_assert_eq!(read, untyped(&event, false));
    }

    #[test]
    fn an_event_of_json_is_one_line(event in arbitrary::event()) {
        prop_assert!(!to_json(&event).contains(&b'\n'));
    }

    #[test]
    fn batches_are_their_events(events in vec(arbitrary::event(), 0..4)) {
        let written = batch::write(Format::Protobuf, &events);
        prop_assert_eq!(batch::all(Format::Protobuf, &written), events.clone());
        let written = batch::write(Format::Json, &events);
        let untyped: Vec<_> = events.iter().map(|event| untyped(event, true)).collect();
        prop_assert_eq!(batch::all(Format::Json, &written), untyped);
    }
}
