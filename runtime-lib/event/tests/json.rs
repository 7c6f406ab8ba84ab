//! The JSON format to the letter: what is taken, what is refused and with which words.

mod batch;

use ampoule_event::{Data, Error, Event, Format, from_json, to_json};

/// An event with these further members.
fn with(members: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{members}}}"#)
}

fn read(members: &str) -> Event {
    from_json(with(members).as_bytes()).unwrap_or_else(|error| panic!("{members}: {error}"))
}

fn refusal(json: &str) -> String {
    match from_json(json.as_bytes()) {
        Ok(event) => panic!("{json} is {event:?}"),
        Err(error) => error.to_string(),
    }
}

fn written(event: &Event) -> String {
    String::from_utf8(to_json(event)).expect("UTF-8")
}

#[test]
fn what_is_wrong_is_named_shown_and_cited() {
    let long = format!(r#","subject":"{}\u0007""#, "x".repeat(100));
    let shown = format!("`subject`: \"{}…\" is not free of control characters", "x".repeat(60));
    let cases = [
        (
            r#","time":"yesterday""#,
            "`time`: \"yesterday\" is not an RFC 3339 timestamp like 2018-04-05T17:31:00Z \
             (CloudEvents 1.0.2, Type System; RFC 3339, 5.6)",
        ),
        (r#","subject":5"#, "`subject`: the Integer 5 is not a String"),
        (r#","time":true"#, "`time`: the Boolean true is not a Timestamp"),
        (r#","subject":"""#, "`subject`: \"\" is not a non-empty string"),
        (r#","subject":"a\u0085b""#, r#"`subject`: "a\u{85}b" is not free of control"#),
        (r#","subject":"\uffff""#, "is not free of control characters and noncharacters"),
        (r#","subject":"\ud800""#, "`subject`: \"\\\"\\\\ud800\\\"\" is not a string of Unicode"),
        (&long, &shown),
        (r#","dataschema":"/relative""#, "`dataschema`: \"/relative\" is not an absolute URI"),
        (r#","dataschema":"http://a/#b""#, "without a fragment"),
        (r#","datacontenttype":"json""#, "`datacontenttype`: \"json\" is not a media type"),
        (r#","ext":1.0"#, "`ext`: \"1.0\" is not an Integer"),
        (r#","ext":1e2"#, "`ext`: \"1e2\" is not an Integer"),
        (r#","ext":2147483648"#, "`ext`: \"2147483648\" is not an Integer"),
        (r#","ext":-2147483649"#, "`ext`: \"-2147483649\" is not an Integer"),
        (r#","ext":[]"#, "`ext`: \"[]\" is not a string, an Integer or a Boolean"),
        (r#","ext":{"a":1}"#, "`ext`: "),
        (r#","ext":1,"ext":1"#, "`ext` is there twice"),
        (r#","ext":null,"ext":1"#, "`ext` is there twice"),
        (r#","id":"2""#, "`id` is there twice"),
        (r#","e\u0078t":1,"ext":1"#, "`ext` is there twice"),
        (r#","Ext":1"#, "\"Ext\" is not made of lower-case letters and digits"),
        (r#","my_ext":null"#, "\"my_ext\" is not made of"),
        (r#","":1"#, "an attribute's name: \"\" is not made of"),
        (r#","ext\u0000":1"#, r#"an attribute's name: "ext\0" is not made of"#),
        (r#","data":1,"data":1"#, "`data` is there twice"),
        (r#","data":1,"data_base64":"""#, "both `data` and `data_base64`"),
        (r#","data_base64":"YQ""#, "`data_base64`: \"YQ\" is not Base64 with its padding"),
        (r#","data_base64":"YR==""#, "is not Base64"),
        (r#","data_base64":"Y Q==""#, "is not Base64"),
        (r#","data_base64":"_w==""#, "is not Base64"),
        (r#","data_base64":null"#, "`data_base64`: \"null\" is not a string"),
        (r#","datacontenttype":"text/plain","data":{}"#, "`data`: \"{}\" is not a string, as"),
        (r#","data":"\x""#, "line 1, column 65 of the JSON: invalid escape"),
        (r#","data":01"#, "of the JSON: invalid number"),
        ("\n,", "line 2, column "),
    ];
    for (members, words) in cases {
        let message = refusal(&with(members));
        assert!(message.contains(words), "{members}: {message}");
    }
}

#[test]
fn what_is_no_object_is_refused_where_it_begins() {
    for json in ["", " ", "null", "1", "\"{}\"", "[{}]", "\u{feff}{}", "{} {}", "{", "{]"] {
        let error = from_json(json.as_bytes()).expect_err(json);
        assert!(matches!(error, Error::Json { line: 1, .. }), "{json}: {error}");
    }
    let marked = format!("\u{feff}{}", with(""));
    assert!(refusal(&marked).contains("line 1, column 1 of the JSON: a byte order mark"));
    let bytes = with(",\"subject\":\"a\"").replace('a', "\u{e4}").into_bytes();
    let latin: Vec<u8> = bytes.into_iter().filter(|&byte| byte != 0xc3).collect();
    assert!(matches!(from_json(&latin), Err(Error::Json { .. })));
}

#[test]
fn required_attributes_are_missed_by_name_null_or_not() {
    for name in ["specversion", "id", "source", "type"] {
        for json in [
            with("").replace(&format!("\"{name}\":"), "\"other\":"),
            with("").replace(&format!("\"{name}\":"), &format!("\"{name}\":null,\"other\":")),
        ] {
            assert!(refusal(&json).starts_with(&format!("`{name}` is missing")), "{json}");
        }
    }
}

#[test]
fn null_is_as_if_it_were_not_there() {
    let nulls =
        r#","time":null,"subject":null,"dataschema":null,"datacontenttype":null,"ext":null"#;
    assert_eq!(read(nulls), read(""));
}

#[test]
fn integers_are_whole_and_of_32_bits() {
    for (text, value) in [("0", 0), ("-0", 0), ("2147483647", i32::MAX), ("-2147483648", i32::MIN)]
    {
        assert_eq!(read(&format!(",\"ext\":{text}")).extension("ext"), Some(&value.into()));
    }
}

#[test]
fn data_is_what_its_media_type_says() {
    let cases: [(&str, Option<&str>, &str); 10] = [
        (r#","data":null"#, Some("null"), r#","datacontenttype":"application/json","data":null"#),
        (
            r#","data":"{\u007d""#,
            Some(r#""{\u007d""#),
            r#","datacontenttype":"application/json","data":"{\u007d""#,
        ),
        (
            r#","data":{ "a" : [1.0, 1e400, 100000000000000000000.10] }"#,
            Some(r#"{ "a" : [1.0, 1e400, 100000000000000000000.10] }"#),
            r#","datacontenttype":"application/json","data":{"a":[1.0,1e400,100000000000000000000.10]}"#,
        ),
        (
            r#","data":"<a/>","datacontenttype":"text/xml""#,
            Some("<a/>"),
            r#","datacontenttype":"text/xml","data":"<a/>""#,
        ),
        (
            r#","data_base64":"PGEvPg==","datacontenttype":"image/svg+xml""#,
            Some("<a/>"),
            r#","datacontenttype":"image/svg+xml","data":"<a/>""#,
        ),
        (
            r#","data_base64":"eyB9","datacontenttype":"a/b+json""#,
            Some("{ }"),
            r#","datacontenttype":"a/b+json","data":{}"#,
        ),
        (
            r#","data_base64":"eyA=","datacontenttype":"a/b+json""#,
            None,
            r#","datacontenttype":"a/b+json","data_base64":"eyA=""#,
        ),
        (r#","data_base64":"eyB9""#, None, r#","data_base64":"eyB9""#),
        (
            r#","data_base64":"/w==","datacontenttype":"text/plain""#,
            None,
            r#","datacontenttype":"text/plain","data_base64":"/w==""#,
        ),
        (
            r#","data":"\u0000\ud83d\ude00","datacontenttype":"a/b""#,
            Some("\0😀"),
            r#","datacontenttype":"a/b","data":"\u0000😀""#,
        ),
    ];
    for (members, text, again) in cases {
        let event = read(members);
        assert_eq!(event.data().expect(members).text(), text, "{members}");
        assert_eq!(written(&event), with(again));
        assert_eq!(read(again), event);
    }
    assert_eq!(read("").data(), None);
}

#[test]
fn text_without_a_media_type_does_not_become_json() {
    let event = Event::new("1", "/s", "t").expect("valid").with_data("1");
    assert_eq!(written(&event), with(r#","data_base64":"MQ==""#));
    let event = event.with_datacontenttype("text/plain".parse().expect("a media type"));
    assert_eq!(written(&event), with(r#","datacontenttype":"text/plain","data":"1""#));
    let event = event.with_datacontenttype("application/json".parse().expect("a media type"));
    assert!(matches!(event.data(), Some(Data::Json(_))));
    assert_eq!(written(&event), with(r#","datacontenttype":"application/json","data":1"#));
}

#[test]
fn attributes_are_written_in_a_fixed_order() {
    let event = read(
        r#","zz":"1","data":0,"dataschema":"a:b","b":true,"time":"2000-01-01T01:00:00.5+01:00","a":-1,"datacontenttype":"text/json","subject":"\"\\\u00e4""#,
    );
    assert_eq!(
        written(&event),
        with(
            r#","subject":"\"\\ä","time":"2000-01-01T00:00:00.500Z","datacontenttype":"text/json","dataschema":"a:b","a":-1,"b":true,"zz":"1","data":0"#
        )
    );
}

#[test]
fn a_batch_ends_at_what_is_wrong_with_it() {
    let event = with("");
    let cases = [
        ("[]".to_owned(), 0, None),
        (format!("\n[ {event}\r\n,\t{event} ]\n"), 2, None),
        (event.clone(), 0, Some("event 0 of the batch: a batch begins with `[`")),
        ("[".to_owned(), 0, Some("ends in the middle")),
        (format!("[{event}"), 1, Some("ends in the middle")),
        (format!("[{event},]"), 1, Some("an event is missing")),
        (format!("[,{event}]"), 0, Some("event 0 of the batch: an event is missing")),
        (format!("[{event}{event}]"), 1, Some("`,` or `]` goes between")),
        (format!("[{event}] x"), 1, Some("something comes after the end")),
        (
            format!("[{event},\n {{\n\"id\":}}]"),
            1,
            Some("event 1 of the batch: line 2, column 6 of the JSON: expected value"),
        ),
        (format!("[{event},{{}}]"), 1, Some("event 1 of the batch: `specversion` is missing")),
        (format!("[{event},1]"), 1, Some("expected an event")),
    ];
    for (json, valid, words) in cases {
        let (events, error) = batch::read(Format::Json, json.as_bytes());
        assert_eq!(events.len(), valid, "{json}");
        match (error.map(|error| error.to_string()), words) {
            (None, None) => {}
            (Some(message), Some(words)) => assert!(message.contains(words), "{json}: {message}"),
            (error, _) => panic!("{json}: {error:?}"),
        }
    }
}

#[test]
fn depth_takes_no_stack_and_length_no_square_of_time() {
    let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
    let members: String = (0..100_000).map(|index| format!(",\"a{index}\":{index}")).collect();
    std::thread::Builder::new()
        .stack_size(128 << 10)
        .spawn(move || {
            assert!(read(&format!(",\"data\":{deep}")).data().is_some());
            assert!(from_json(with(&format!(",\"ext\":{deep}")).as_bytes()).is_err());
            assert!(from_json(deep.as_bytes()).is_err());
            assert_eq!(read(&members).extensions().count(), 100_000);
        })
        .expect("a thread")
        .join()
        .expect("no panic");
}
