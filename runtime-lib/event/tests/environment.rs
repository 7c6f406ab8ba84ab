//! Binary mode: attributes in the environment.

use ampoule_event::{Data, Event, Timestamp, Value, from_environment, to_environment};

const MINIMAL: [(&str, &str); 4] =
    [("CE_SPECVERSION", "1.0"), ("CE_ID", "1"), ("CE_SOURCE", "/s"), ("CE_TYPE", "t")];

fn read(further: &[(&str, &str)], data: &[u8]) -> Result<Event, String> {
    let variables = MINIMAL.iter().chain(further);
    let variables = variables.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    from_environment(variables, data.to_vec()).map_err(|error| error.to_string())
}

#[test]
fn all_attributes_are_variables() {
    let event = Event::new("1", "/s", "t")
        .and_then(|event| event.with_subject("Ä%20 b"))
        .and_then(|event| event.with_extension("flag", true))
        .and_then(|event| event.with_extension("bytes", vec![0xff]))
        .and_then(|event| event.with_extension("at", Timestamp::from_unix(0, 1000).expect("valid")))
        .expect("valid")
        .with_time(Timestamp::from_unix(1_522_949_460, 0).expect("in range"))
        .with_dataschema("a:b".parse().expect("a URI"))
        .with_datacontenttype("text/plain".parse().expect("a media type"))
        .with_data("Grüße\n");
    let (variables, data) = to_environment(&event).expect("in UTF-8");
    let expected = [
        ("CE_SPECVERSION", "1.0"),
        ("CE_ID", "1"),
        ("CE_SOURCE", "/s"),
        ("CE_TYPE", "t"),
        ("CE_SUBJECT", "Ä%20 b"),
        ("CE_TIME", "2018-04-05T17:31:00Z"),
        ("CE_DATASCHEMA", "a:b"),
        ("CE_AT", "1970-01-01T00:00:00.000001Z"),
        ("CE_BYTES", "/w=="),
        ("CE_FLAG", "true"),
        ("CONTENT_TYPE", "text/plain"),
    ];
    assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(data, "Grüße\n".as_bytes());
    let read = read(&expected[4..], data).expect("what was written");
    assert_eq!(read.extension("flag"), Some(&Value::from("true")));
    assert_eq!(read.time(), event.time());
    assert_eq!(read.data(), event.data());
}

#[test]
fn other_variables_are_passed_over() {
    let further = [("PATH", "/bin"), ("ce_id", "2"), ("CEID", "2"), ("TRACEPARENT", "x")];
    assert_eq!(read(&further, b""), read(&[], b""));
    assert_eq!(read(&[], b"").expect("valid").data(), None);
}

#[test]
fn the_data_is_what_its_content_type_says() {
    let json = read(&[("CONTENT_TYPE", "application/json")], b"{\n}").expect("valid");
    assert_eq!(json.data().and_then(Data::text), Some("{\n}"));
    assert_eq!(to_environment(&json).expect("UTF-8").1, b"{\n}");
    let broken = read(&[("CONTENT_TYPE", "application/json")], b"{").expect("valid");
    assert_eq!(broken.data(), Some(&Data::Binary(b"{".to_vec())));
    let bytes = read(&[], b"{}").expect("valid");
    assert_eq!((bytes.data().and_then(Data::text), bytes.datacontenttype()), (None, None));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (
            ("CE_DATACONTENTTYPE", "a/b"),
            "\"CE_DATACONTENTTYPE\" is not allowed: CONTENT_TYPE holds",
        ),
        (("CE_", "x"), "an attribute's name: \"\" is not made of"),
        (("CE_ext", "x"), "\"CE_ext\" is not `CE_` and the name of an attribute in capitals"),
        (("CE_MY_EXT", "x"), "\"CE_MY_EXT\" is not `CE_` and"),
        (("CE_\u{e4}", "x"), "\"CE_\u{e4}\" is not `CE_` and"),
        (("CE_DATA", "x"), "\"data\" is not a name that is free for an extension"),
        (("CE_ID", "1"), "`id` is there twice"),
        (("CE_TIME", "now"), "`time`: \"now\" is not an RFC 3339 timestamp"),
        (("CE_SUBJECT", ""), "`subject`: \"\" is not a non-empty string"),
        (("CE_EXT", "a\nb"), "`ext`: \"a\\nb\" is not free of control characters"),
        (("CONTENT_TYPE", "text"), "`datacontenttype`: \"text\" is not a media type"),
    ];
    for (variable, words) in cases {
        let message = read(&[variable], b"").expect_err(variable.0);
        assert!(message.contains(words), "{variable:?}: {message}");
    }
    let latin = [(&b"CE_ID"[..], &b"\xe4"[..])];
    let message = from_environment(latin, Vec::new()).expect_err("Latin-1").to_string();
    assert_eq!(message, "`id`: \"\u{fffd}\" is not UTF-8 (SPEC C5)");
    for missing in 0..MINIMAL.len() {
        let mut variables = MINIMAL.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        variables[missing].0 = b"OTHER";
        let message = from_environment(variables, Vec::new()).expect_err("too little").to_string();
        let name = MINIMAL[missing].0[3..].to_ascii_lowercase();
        assert!(message.starts_with(&format!("`{name}` is missing")), "{message}");
    }
}

#[test]
fn text_is_not_given_in_a_charset_that_it_is_not_in() {
    let event = Event::new("1", "/s", "t").expect("valid").with_data("ä");
    for (media_type, is_given) in [
        ("text/plain; charset=utf-8", true),
        ("text/plain; charset=\"UTF-8\"", true),
        ("text/plain; charset=iso-8859-1", false),
        ("text/plain; charset=us-ascii", false),
    ] {
        let event = event.clone().with_datacontenttype(media_type.parse().expect(media_type));
        assert_eq!(to_environment(&event).is_ok(), is_given, "{media_type}");
    }
}
