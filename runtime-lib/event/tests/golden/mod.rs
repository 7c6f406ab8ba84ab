//! The golden events of the conformance suite, after the prose of its `format/README.md`.

use ampoule_event::{Event, Kind, Timestamp, UriReference, Value};

/// What the suite calls sample extension attributes, with their types.
const EXTENSIONS: [(&str, Kind); 7] = [
    ("extinteger", Kind::Integer),
    ("extboolean", Kind::Boolean),
    ("extstring", Kind::String),
    ("extbinary", Kind::Binary),
    ("exttimestamp", Kind::Timestamp),
    ("exturi", Kind::Uri),
    ("exturiref", Kind::UriReference),
];

/// The golden event of this name.
pub fn event(sample: &str) -> Event {
    let event = Event::new(sample, "https://cloudevents.io", "io.cloudevents.test").expect("valid");
    let timestamp = |text: &str| text.parse::<Timestamp>().expect("a timestamp");
    match sample {
        "minimal" => event,
        "minimalWithTime" => event.with_time(timestamp("2018-04-05T17:31:00Z")),
        "minimalWithRelativeSource" => {
            Event::new(sample, "#fragment", "io.cloudevents.test").expect("valid")
        }
        "allCore" => event
            .with_datacontenttype("text/plain".parse().expect("a media type"))
            .with_dataschema("https://cloudevents.io/dataschema".parse().expect("a URI"))
            .with_time(timestamp("2018-04-05T17:31:00Z"))
            .with_subject("tests")
            .expect("valid"),
        "simpleTextData" => event
            .with_datacontenttype("text/plain".parse().expect("a media type"))
            .with_data("Simple text"),
        "allExtensionTypes" => {
            let reference: UriReference = "//authority/path".parse().expect("a URI-reference");
            let values: [Value; 7] = [
                10.into(),
                true.into(),
                "text".into(),
                vec![0x4d, 0x61].into(),
                timestamp("2023-03-31T15:12:00Z").into(),
                Value::Uri("https://cloudevents.io".parse().expect("a URI")),
                reference.into(),
            ];
            EXTENSIONS.iter().zip(values).fold(event, |event, ((name, _), value)| {
                event.with_extension(name, value).expect("valid")
            })
        }
        _ => panic!("there is no golden event {sample}"),
    }
}

/// The golden batch of this name.
pub fn batch(sample: &str) -> Vec<Event> {
    let names: &[&str] = match sample {
        "empty" => &[],
        "minimal" => &["minimal"],
        "minimal2" => &["minimal", "minimal"],
        "minimalAndAllCore" => &["minimal", "allCore"],
        "minimalAndAllExtensionTypes" => &["minimal", "allExtensionTypes"],
        _ => panic!("there is no golden batch {sample}"),
    };
    names.iter().map(|name| event(name)).collect()
}

/// The event with those extensions that the suite declares as of the types that it declares.
pub fn with_declared_types(event: Event) -> Event {
    EXTENSIONS.iter().fold(event, |event, &(name, kind)| match event.extension(name) {
        Some(value) => {
            let value = value.to_kind(kind).expect("a canonical string");
            event.with_extension(name, value).expect("valid")
        }
        None => event,
    })
}
