//! The Protobuf format: the same bytes as by another implementation of Protobuf, and no others taken.

mod arbitrary;
mod batch;

use std::collections::BTreeMap;

use ampoule_event::{Data, Event, Format, Proto, Value, from_json, from_protobuf, to_protobuf};
use proptest::prelude::*;
use prost::{Message, Oneof};

/// `CloudEvent` of `cloudevents.proto`.
#[derive(Clone, PartialEq, Message)]
struct CloudEvent {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(string, tag = "3")]
    spec_version: String,
    #[prost(string, tag = "4")]
    r#type: String,
    #[prost(btree_map = "string, message", tag = "5")]
    attributes: BTreeMap<String, AttributeValue>,
    #[prost(oneof = "DataField", tags = "6, 7, 8")]
    data: Option<DataField>,
}

#[derive(Clone, PartialEq, Oneof)]
enum DataField {
    #[prost(bytes, tag = "6")]
    Binary(Vec<u8>),
    #[prost(string, tag = "7")]
    Text(String),
    #[prost(message, tag = "8")]
    Proto(Any),
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes, tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeValue {
    #[prost(oneof = "Attr", tags = "1, 2, 3, 4, 5, 6, 7")]
    attr: Option<Attr>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Attr {
    #[prost(bool, tag = "1")]
    Boolean(bool),
    #[prost(int32, tag = "2")]
    Integer(i32),
    #[prost(string, tag = "3")]
    String(String),
    #[prost(bytes, tag = "4")]
    Bytes(Vec<u8>),
    #[prost(string, tag = "5")]
    Uri(String),
    #[prost(string, tag = "6")]
    UriRef(String),
    #[prost(message, tag = "7")]
    Timestamp(Instant),
}

#[derive(Clone, PartialEq, Message)]
struct Instant {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct CloudEventBatch {
    #[prost(message, repeated, tag = "1")]
    events: Vec<CloudEvent>,
}

fn attr(value: &Value) -> Attr {
    match value {
        Value::Boolean(value) => Attr::Boolean(*value),
        Value::Integer(value) => Attr::Integer(*value),
        Value::String(value) => Attr::String(value.clone()),
        Value::Binary(value) => Attr::Bytes(value.clone()),
        Value::Uri(value) => Attr::Uri(value.to_string()),
        Value::UriReference(value) => Attr::UriRef(value.to_string()),
        Value::Timestamp(value) => Attr::Timestamp(Instant {
            seconds: value.unix_seconds(),
            nanos: value.nanoseconds().cast_signed(),
        }),
    }
}

/// The event as the message that it is.
fn message(event: &Event) -> CloudEvent {
    let extensions = event.extensions().map(|(name, value)| (name.to_string(), attr(value)));
    let core = [
        ("subject", event.subject().map(|subject| Attr::String(subject.to_owned()))),
        ("time", event.time().map(|time| attr(&time.into()))),
        ("dataschema", event.dataschema().map(|schema| Attr::Uri(schema.to_string()))),
        ("datacontenttype", event.datacontenttype().map(|kind| Attr::String(kind.to_string()))),
    ];
    let core = core.into_iter().filter_map(|(name, attr)| Some((name.to_owned(), attr?)));
    CloudEvent {
        id: event.id().to_owned(),
        source: event.source().to_string(),
        spec_version: "1.0".to_owned(),
        r#type: event.event_type().to_owned(),
        attributes: extensions
            .chain(core)
            .map(|(name, attr)| (name, AttributeValue { attr: Some(attr) }))
            .collect(),
        data: event.data().map(|data| match data {
            Data::Binary(bytes) => DataField::Binary(bytes.clone()),
            Data::Proto(proto) => DataField::Proto(Any {
                type_url: proto.type_url().to_owned(),
                value: proto.value().to_vec(),
            }),
            text => DataField::Text(text.text().expect("text").to_owned()),
        }),
    }
}

fn minimal() -> CloudEvent {
    message(&Event::new("1", "/s", "t").expect("valid"))
}

fn with(name: &str, attr: Option<Attr>) -> CloudEvent {
    let mut event = minimal();
    event.attributes.insert(name.to_owned(), AttributeValue { attr });
    event
}

fn refusal(bytes: &[u8]) -> String {
    match from_protobuf(bytes) {
        Ok(event) => panic!("{bytes:?} is {event:?}"),
        Err(error) => error.to_string(),
    }
}

proptest! {
    #[test]
    fn the_bytes_are_those_of_another_implementation(event in arbitrary::event()) {
        prop_assert_eq!(to_protobuf(&event), message(&event).encode_to_vec());
        let batch = CloudEventBatch { events: vec![message(&event); 2] };
        let written = batch::write(Format::Protobuf, [&event, &event]);
        prop_assert_eq!(written, batch.encode_to_vec());
    }

    #[test]
    fn a_part_of_the_bytes_is_what_another_implementation_finds_in_it(
        event in arbitrary::event(),
        share in 0.0..1.0,
    ) {
        let bytes = to_protobuf(&event);
        let part = &bytes[..(bytes.len() as f64 * share) as usize];
        if let Ok(read) = from_protobuf(part) {
            prop_assert_eq!(message(&read), CloudEvent::decode(part).expect("whole fields"));
        }
    }
}

#[test]
fn core_attributes_are_of_their_types_or_strings() {
    let string = |text: &str| Some(Attr::String(text.to_owned()));
    let instant = |seconds, nanos| Some(Attr::Timestamp(Instant { seconds, nanos }));
    let good = [
        with("time", string("1970-01-01T00:00:00Z")),
        with("time", instant(0, 0)),
        with("dataschema", string("a:b")),
        with("dataschema", Some(Attr::UriRef("a:b".to_owned()))),
        with("subject", string("s")),
        with("datacontenttype", string("a/b")),
    ];
    for message in good {
        assert!(from_protobuf(&message.encode_to_vec()).is_ok(), "{message:?}");
    }
    let bad = [
        (with("time", string("now")), "`time`: \"now\" is not an RFC 3339 timestamp"),
        (with("time", instant(253_402_300_800, 0)), "years 1 to 9999"),
        (with("time", instant(-62_135_596_801, 0)), "years 1 to 9999"),
        (with("time", instant(0, 1_000_000_000)), "no valid Timestamp"),
        (with("time", instant(0, -1)), "no valid Timestamp"),
        (with("time", Some(Attr::Bytes(vec![]))), "`time`: the Binary  is not a Timestamp"),
        (with("dataschema", Some(Attr::UriRef("b".to_owned()))), "is not an absolute URI"),
        (with("dataschema", Some(Attr::Uri("b/c".to_owned()))), "is not an absolute URI"),
        (with("subject", Some(Attr::Uri("a:b".to_owned()))), "the URI a:b is not a String"),
        (with("datacontenttype", Some(Attr::Boolean(true))), "the Boolean true is not a String"),
        (with("ext", Some(Attr::Uri("b".to_owned()))), "`ext`: \"b\" is not an absolute URI"),
        (with("ext", string("\n")), "`ext`: \"\\n\" is not free of control characters"),
        (with("ext", None), "`ext`: nothing is not a value of one of the seven types"),
        (with("id", string("2")), "\"id\" is not an attribute of the map"),
        (with("specversion", string("1.0")), "\"specversion\" is not an attribute of the map"),
        (with("data", string("x")), "\"data\" is not a name that is free"),
        (with("", string("x")), "an attribute's name: \"\" is not made of"),
    ];
    for (message, words) in bad {
        let refusal = refusal(&message.encode_to_vec());
        assert!(refusal.contains(words), "{message:?}: {refusal}");
    }
}

/// The encoded minimal event and this behind it.
fn and(field: &[u8]) -> Vec<u8> {
    [&minimal().encode_to_vec(), field].concat()
}

#[test]
fn fields_are_there_once_and_of_their_types() {
    let bad: [(&[u8], &str); 15] = [
        (b"\x0a\x011", "`id` is there twice"),
        (b"\x32\x01a\x32\x01a", "is there again"),
        (b"\x32\x01a\x3a\x01a", "is there again"),
        (
            b"\x2a\x08\x0a\x01a\x12\x03\x1a\x01b\x2a\x08\x0a\x01a\x12\x03\x1a\x01b",
            "`a` is there twice",
        ),
        (b"\x2a\x0b\x0a\x01a\x0a\x01b\x12\x03\x1a\x01b", "is there again"),
        (b"\x2a\x0b\x0a\x01a\x12\x06\x1a\x01b\x1a\x01b", "is there again"),
        (b"\x2a\x0a\x0a\x01a\x12\x05\x08\x00\x1a\x01b", "is there again"),
        (b"\x2a\x0b\x0a\x01a\x12\x06\x10\x80\x80\x80\x80\x10", "more than 32 bits"),
        (b"\x2a\x0b\x0a\x01a\x12\x06\x10\xff\xff\xff\xff\x0f", "more than 32 bits"),
        (b"\x2a\x00", "an attribute's name: \"\" is not"),
        (b"\x30\x01", "byte 17 of the Protobuf: a field has a bad value"),
        (b"\x32\x02a", "byte 15 of the Protobuf: it ends inside a field"),
        (b"\x3a\x01\xff", "byte 18 of the Protobuf: text that is not UTF-8 ends"),
        (b"\x42\x00", "`proto_data`: \"\" is not the URL of a type"),
        (b"\x33\x34", "a field has a bad tag"),
    ];
    for (field, words) in bad {
        let refusal = refusal(&and(field));
        assert!(refusal.contains(words), "{field:?}: {refusal}");
    }
    assert_eq!(
        refusal(b""),
        "`specversion` is missing, which every event has (CloudEvents 1.0.2, REQUIRED Attributes)"
    );
}

#[test]
fn unknown_fields_are_skipped() {
    let known = from_protobuf(&and(b"\x2a\x08\x0a\x01a\x12\x03\x1a\x01b")).expect("valid");
    for field in [
        &b"\x2a\x08\x0a\x01a\x12\x03\x1a\x01b\x78\x01\x7a\x01x\x79\0\0\0\0\0\0\0\0\x7d\0\0\0\0"[..],
        &b"\x2a\x0a\x0a\x01a\x12\x03\x1a\x01b\x18\x01"[..],
        &b"\x2a\x0a\x0a\x01a\x12\x05\x1a\x01b\x40\x01"[..],
    ] {
        assert_eq!(from_protobuf(&and(field)).as_ref(), Ok(&known));
    }
    let batch = [&b"\x10\x01\x0a\x0f"[..], &minimal().encode_to_vec(), b"\x12\x00"].concat();
    assert_eq!(batch::all(Format::Protobuf, &batch).len(), 1);
}

#[test]
fn a_batch_ends_at_what_is_wrong_with_it() {
    let event = Event::new("1", "/s", "t").expect("valid");
    let good = batch::write(Format::Protobuf, [&event]);
    let (events, error) = batch::read(Format::Protobuf, &[&good[..], b"\x0a\x00\x0a\x00"].concat());
    assert_eq!(events, [event]);
    let error = error.expect("an empty one").to_string();
    assert!(error.starts_with("event 1 of the batch: `specversion` is missing"), "{error}");
}

#[test]
fn a_message_keeps_its_type_through_json() {
    let proto = Proto::new("type.googleapis.com/a.B", vec![8, 1]).expect("a type's URL");
    let event = Event::new("1", "/s", "t").expect("valid").with_data(proto);
    let json = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/protobuf","dataschema":"https://type.googleapis.com/a.B","data_base64":"CAE="}"#;
    assert_eq!(String::from_utf8(ampoule_event::to_json(&event)).as_deref(), Ok(json));
    assert_eq!(from_json(json.as_bytes()), Ok(event.clone()));
    // As in the example of the format's section 6.2.
    let mut message = message(&event);
    let schema = Attr::Uri("type.googleapis.com/a.B".to_owned());
    message.attributes.insert("dataschema".to_owned(), AttributeValue { attr: Some(schema) });
    assert_eq!(from_protobuf(&message.encode_to_vec()), Ok(event));
}
