//! How a call tells its mode, and what an event takes over from its cause.

use ampoule_event::{Event, Format, Mode, TraceParent, is_tracestate};
use proptest::prelude::*;

#[test]
fn a_mode_is_told_by_the_content_type() {
    let cases = [
        (None, Some(Mode::Raw)),
        (Some(""), Some(Mode::Raw)),
        (Some("text/plain"), Some(Mode::Raw)),
        (Some("application/json"), Some(Mode::Raw)),
        (Some("application/cloudeventsx+json"), Some(Mode::Raw)),
        (Some("no media type"), Some(Mode::Raw)),
        (Some("application/cloudevents+json"), Some(Mode::Structured(Format::Json))),
        (Some("Application/CloudEvents+JSON;Charset=UTF-8"), Some(Mode::Structured(Format::Json))),
        (Some("application/cloudevents+protobuf"), Some(Mode::Structured(Format::Protobuf))),
        (Some("application/cloudevents-batch+json"), Some(Mode::Batched(Format::Json))),
        (Some("application/cloudevents-batch+protobuf"), Some(Mode::Batched(Format::Protobuf))),
        (Some("application/cloudevents"), None),
        (Some("application/cloudevents+avro"), None),
        (Some("application/cloudevents-batch"), None),
        (Some("application/cloudevents+json; charset=utf-16"), None),
        (Some("Application/cloudevents+json;"), None),
        (Some("application/cloudevents, text/plain"), None),
    ];
    for (content_type, mode) in cases {
        assert_eq!(Mode::of(content_type, false).ok(), mode, "{content_type:?}");
        let mode = mode.map(|mode| if mode == Mode::Raw { Mode::Binary } else { mode });
        assert_eq!(Mode::of(content_type, true).ok(), mode, "{content_type:?}");
    }
    for mode in [Mode::Structured(Format::Json), Mode::Batched(Format::Protobuf)] {
        assert_eq!(Mode::of(mode.content_type().as_deref(), false), Ok(mode));
    }
    let error = Mode::of(Some("application/cloudevents+avro"), false).expect_err("unknown");
    assert!(
        error.to_string().starts_with("`CONTENT_TYPE`: \"application/cloudevents+avro\" is not")
    );
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_traceparent_is_read_to_the_letter() {
    let parent: TraceParent = PARENT.parse().expect(PARENT);
    assert_eq!(parent.to_string(), PARENT);
    assert_eq!(parent.trace_id()[..2], [0x0a, 0xf7]);
    assert_eq!(parent.span_id()[..2], [0xb7, 0xad]);
    assert!(parent.is_sampled());
    let future = format!("cc{}-what-else", &PARENT[2..]);
    assert_eq!(future.parse(), Ok(parent));
    let bad = [
        String::new(),
        PARENT.to_uppercase(),
        PARENT[1..].to_owned(),
        format!("{PARENT}-00"),
        format!("{PARENT} "),
        format!(" {PARENT}"),
        format!("ff{}", &PARENT[2..]),
        format!("cc{}.", &PARENT[2..]),
        PARENT.replace('-', "_"),
        PARENT.replace("b7ad6b7169203331", "0000000000000000"),
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        PARENT.replace("b7ad6b71692033", "\u{e4}b7ad6b716920"),
        PARENT.replace("af", "g7"),
    ];
    for text in bad {
        assert!(text.parse::<TraceParent>().is_err(), "{text}");
    }
}

#[test]
fn a_child_is_in_the_trace_of_its_parent() {
    let parent: TraceParent = PARENT.replace("-01", "-ff").parse().expect("a traceparent");
    let child = parent.child([1; 8]);
    assert_eq!(child.to_string(), "00-0af7651916cd43dd8448eb211c80319c-0101010101010101-03");
    assert!(parent.child([0; 8]).to_string().parse::<TraceParent>().is_ok());
}

#[test]
fn a_tracestate_is_read_to_the_letter() {
    let members: Vec<String> = (0..33).map(|index| format!("k{index}=v")).collect();
    let good = [
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "",
        "a=b, ,\tc=d",
        "0tenant@system=x",
        "a_-*/9=!~ x",
        &members[..32].join(","),
    ];
    for text in good {
        assert!(is_tracestate(text), "{text}");
    }
    let long = format!("a={}", "b".repeat(257));
    let bad = [
        "a",
        "a=",
        "=b",
        "A=b",
        "0a=b",
        "a=b=c",
        "a=\u{e4}",
        "a=b,a=c",
        "a@=b",
        "a@b@c=d",
        "a =b",
        &members.join(","),
        &long,
    ];
    for text in bad {
        assert!(!is_tracestate(text), "{text}");
    }
}

fn event(id: &str, extensions: &[(&str, &str)]) -> Event {
    let event = Event::new(id, "/s", "t").expect("valid");
    extensions
        .iter()
        .fold(event, |event, (name, value)| event.with_extension(name, *value).expect("valid"))
}

fn answer(cause: &[(&str, &str)], answer: &[(&str, &str)]) -> Vec<(String, String)> {
    let answer = event("2", answer).caused_by(&event("1", cause), [1; 8]);
    let extensions = answer.extensions();
    extensions.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn an_answer_takes_over_what_it_does_not_have() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let child = &*PARENT.replace("b7ad6b7169203331", "0101010101010101");
    let causation = ("causationid", "1");
    assert_eq!(answer(&[], &[]), pairs(&[causation, ("correlationid", "1")]));
    let flow = ("correlationid", "flow");
    assert_eq!(answer(&[flow, ("partitionkey", "p")], &[]), pairs(&[causation, flow]));
    let traced = [("traceparent", PARENT), ("tracestate", "a=b")];
    let expected =
        [causation, ("correlationid", "1"), ("traceparent", child), ("tracestate", "a=b")];
    assert_eq!(answer(&traced, &[]), pairs(&expected));
    assert_eq!(answer(&[traced[0], ("tracestate", "a")], &[]), pairs(&expected[..3]));
    assert_eq!(answer(&[("traceparent", "x"), traced[1]], &[]), pairs(&expected[..2]));
    let own = [("causationid", "0"), flow, ("traceparent", PARENT)];
    assert_eq!(answer(&traced, &own), pairs(&own));
}

proptest! {
    #[test]
    fn any_traceparent_that_is_taken_is_written_as_one(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}") {
        if let Ok(parent) = text.parse::<TraceParent>() {
            prop_assert_eq!(&parent.to_string()[2..53], &text[2..53]);
            prop_assert_eq!(parent.to_string().parse(), Ok(parent));
        }
    }
}
