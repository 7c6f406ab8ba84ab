//! Arbitrary events, of every type of value and every form of data.

use ampoule_event::{Data, Event, JsonText, MediaType, Proto, Timestamp, Uri, UriReference, Value};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Text that attributes can have, escapes and characters of four bytes among it.
pub fn text() -> impl Strategy<Value = String> {
    "[ -~äß€\u{85f}😀\"\\\\]{1,12}"
}

pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    let nanoseconds =
        prop_oneof![Just(0), (0..1000u32).prop_map(|ms| ms * 1_000_000), 0..1_000_000_000u32];
    (-62_135_596_800..=253_402_300_799i64, nanoseconds).prop_map(|(seconds, nanoseconds)| {
        Timestamp::from_unix(seconds, nanoseconds).expect("in range")
    })
}

pub fn uri() -> impl Strategy<Value = Uri> {
    let texts = "[a-z][a-z0-9+.-]{0,4}:(//[a-z0-9.]{0,8}(:[0-9]{1,4})?)?(/[a-zA-Z0-9%~]{0})?(/[a-z]{1,4}){0,2}(\\?[a-z=&]{0,6})?";
    texts.prop_map(|text: String| text.parse().expect(&text))
}

pub fn reference() -> impl Strategy<Value = UriReference> {
    "(//[a-z]{1,3})?(/[a-z%]{0}[a-z]{1,4}){0,2}(\\?[a-z]{0,3})?#[a-z]{0,3}"
        .prop_map(|text: String| text.parse().expect(&text))
}

pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(Value::from("")),
        vec(any::<u8>(), 0..8).prop_map(Value::from),
        uri().prop_map(Value::from),
        reference().prop_map(Value::from),
        timestamp().prop_map(Value::from),
    ]
}

/// JSON text: values inside of one another, with space between, numbers that no float holds.
pub fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        "\"([ a-zé😀]|\\\\[\"\\\\/bfnrt]|\\\\ud8[0-9a-f]{2}){0,6}\"",
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[ {}\n]", values.join(" ,\t"))),
            vec(inner, 0..4).prop_map(|values| {
                let member = |value: &String| format!("\"a b\" : {value}");
                format!("{{{}\r\n}}", values.iter().map(member).collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

/// Data, and the media type that it comes with.
pub fn data() -> impl Strategy<Value = (Option<MediaType>, Data)> {
    let media_type = prop_oneof![
        Just("application/json"),
        Just("text/plain"),
        Just("text/x; charset=UTF-8"),
        Just("text/x; charset=\"utf-16\""),
        Just("image/png"),
        Just("application/protobuf"),
        Just("application/cloudevents+json"),
    ];
    let data = prop_oneof![
        "\\PC{0,8}".prop_map(Data::from),
        "[\0-\u{7f}]{0,8}".prop_map(Data::from),
        json().prop_map(Data::from),
        json().prop_map(|text| Data::from(text.into_bytes())),
        vec(any::<u8>(), 0..8).prop_map(Data::from),
        json().prop_map(|text| JsonText::new(&text).expect(&text).into()),
    ];
    let proto = vec(any::<u8>(), 0..8).prop_map(|bytes| {
        (None, Proto::new("type.googleapis.com/a.B", bytes).expect("a type's URL").into())
    });
    let media_type = option::of(media_type.prop_map(|text| text.parse().expect(text)));
    prop_oneof![4 => (media_type, data), 1 => proto]
}

/// An event with any attributes; a schema only if it is not for the data to say.
pub fn event() -> impl Strategy<Value = Event> {
    let required = (text(), reference(), text());
    let optional = (option::of(text()), option::of(timestamp()), option::of(uri()));
    let extensions = btree_map("ext[a-z0-9]{1,5}", value(), 0..4);
    (required, optional, extensions, option::of(data())).prop_map(
        |((id, source, event_type), (subject, time, schema), extensions, data)| {
            let mut event = Event::new(&id, source.as_str(), &event_type).expect("valid");
            if let Some(subject) = subject {
                event = event.with_subject(&subject).expect("valid");
            }
            if let Some(time) = time {
                event = event.with_time(time);
            }
            for (name, value) in extensions {
                event = event.with_extension(&name, value).expect("valid");
            }
            if let Some((media_type, data)) = data {
                let is_proto = matches!(data, Data::Proto(_));
                if let Some(media_type) = media_type {
                    event = event.with_datacontenttype(media_type);
                }
                event = event.with_data(data);
                if is_proto {
                    return event;
                }
            }
            match schema {
                Some(schema) => event.with_dataschema(schema),
                None => event,
            }
        },
    )
}
