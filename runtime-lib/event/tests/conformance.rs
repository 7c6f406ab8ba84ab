//! The conformance suite of CloudEvents: every case is taken or refused as it says, and what is taken
//! equals the golden event.

mod batch;
mod golden;

use ampoule_event::{Format, from_json, from_protobuf, to_json, to_protobuf};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonFile<'a> {
    test_type: String,
    #[serde(borrow)]
    tests: Vec<JsonCase<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonCase<'a> {
    id: String,
    sample_id: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ProtobufCase {
    id: String,
    kind: String,
    sample: Option<String>,
    bytes: String,
}

impl JsonCase<'_> {
    fn sample(&self) -> &str {
        self.sample_id.as_deref().expect("a sample")
    }
}

impl ProtobufCase {
    fn sample(&self) -> &str {
        self.sample.as_deref().expect("a sample")
    }
}

fn data(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/cloudevents/");
    let text = std::fs::read_to_string(format!("{folder}{name}")).expect(name);
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Runs the cases of a file; their number.
fn json(name: &str, kind: &str, run: impl Fn(&JsonCase<'_>)) -> usize {
    let text = data(name);
    let file: JsonFile<'_> = serde_json::from_str(&text).expect(name);
    assert_eq!(file.test_type, kind);
    file.tests.iter().for_each(run);
    file.tests.len()
}

fn protobuf(kind: &str, run: impl Fn(&ProtobufCase, &[u8])) -> usize {
    let cases: Vec<ProtobufCase> = serde_json::from_str(&data("protobuf.json")).expect("cases");
    let cases: Vec<_> = cases.into_iter().filter(|case| case.kind == kind).collect();
    for case in &cases {
        run(case, &STANDARD.decode(&case.bytes).expect("Base64"));
    }
    cases.len()
}

fn text(value: Option<&RawValue>) -> &[u8] {
    value.expect("the case's JSON").get().as_bytes()
}

#[test]
fn valid_json_events_are_the_golden_ones() {
    let count = json("json/valid-events.json", "ValidSingleEvent", |case| {
        let golden = golden::event(case.sample());
        let read = |bytes: &[u8]| golden::with_declared_types(from_json(bytes).expect(&case.id));
        assert_eq!(read(text(case.event)), golden, "{}", case.id);
        assert_eq!(read(&to_json(&golden)), golden, "{}", case.id);
    });
    assert_eq!(count, 10);
}

#[test]
fn invalid_json_events_are_refused() {
    let count = json("json/invalid-events.json", "InvalidSingleEvent", |case| {
        assert!(from_json(text(case.event)).is_err(), "{}", case.id);
    });
    assert_eq!(count, 25);
}

#[test]
fn valid_json_batches_are_the_golden_ones() {
    let count = json("json/valid-batches.json", "ValidBatch", |case| {
        let golden = golden::batch(case.sample());
        let read = |bytes: &[u8]| {
            let events = batch::all(Format::Json, bytes);
            events.into_iter().map(golden::with_declared_types).collect::<Vec<_>>()
        };
        assert_eq!(read(text(case.batch)), golden, "{}", case.id);
        assert_eq!(read(&batch::write(Format::Json, &golden)), golden, "{}", case.id);
    });
    assert_eq!(count, 5);
}

#[test]
fn invalid_json_batches_are_refused() {
    let count = json("json/invalid-batches.json", "InvalidBatch", |case| {
        assert!(batch::read(Format::Json, text(case.batch)).1.is_some(), "{}", case.id);
    });
    assert_eq!(count, 3);
}

#[test]
fn valid_protobuf_events_are_the_golden_ones() {
    let count = protobuf("validSingle", |case, bytes| {
        let golden = golden::event(case.sample());
        assert_eq!(from_protobuf(bytes).expect(&case.id), golden, "{}", case.id);
        assert_eq!(from_protobuf(&to_protobuf(&golden)).expect(&case.id), golden, "{}", case.id);
    });
    assert_eq!(count, 6);
}

#[test]
fn invalid_protobuf_events_are_refused() {
    let count = protobuf("invalidSingle", |case, bytes| {
        assert!(from_protobuf(bytes).is_err(), "{}", case.id);
    });
    assert_eq!(count, 20);
}

#[test]
fn valid_protobuf_batches_are_the_golden_ones() {
    let count = protobuf("validBatch", |case, bytes| {
        let golden = golden::batch(case.sample());
        assert_eq!(batch::all(Format::Protobuf, bytes), golden, "{}", case.id);
    });
    assert_eq!(count, 5);
}

#[test]
fn invalid_protobuf_batches_are_refused() {
    let count = protobuf("invalidBatch", |case, bytes| {
        assert!(batch::read(Format::Protobuf, bytes).1.is_some(), "{}", case.id);
    });
    assert_eq!(count, 2);
}
