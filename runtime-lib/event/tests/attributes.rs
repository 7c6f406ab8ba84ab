//! Names and values of attributes, against what the specifications and the RFCs allow.

use ampoule_event::{Error, Event, Kind, Name, Uri, UriReference, Value};

fn minimal() -> Event {
    Event::new("1", "/s", "t").expect("valid")
}

#[test]
fn of_all_names_of_one_and_two_bytes_those_of_letters_and_digits_are_taken() {
    let allowed = "abcdefghijklmnopqrstuvwxyz0123456789";
    let (mut one, mut two) = (0, 0);
    for first in 0..=0xffu8 {
        let name = char::from(first).to_string();
        let is_allowed = allowed.contains(&name);
        assert_eq!(Name::new(&name).is_ok(), is_allowed, "{name:?}");
        one += usize::from(is_allowed);
        for second in 0..=0xffu8 {
            let name = format!("{name}{}", char::from(second));
            let is_taken = Name::new(&name).is_ok();
            let is_allowed = name.chars().all(|character| allowed.contains(character));
            assert_eq!(is_taken, is_allowed && name != "id", "{name:?}");
            two += usize::from(is_taken);
        }
    }
    assert_eq!((one, two), (36, 36 * 36 - 1));
}

#[test]
fn names_of_the_specification_are_not_for_extensions_and_long_ones_are_taken() {
    for name in ["id", "source", "specversion", "type", "subject", "time", "dataschema", "data"] {
        assert!(matches!(minimal().with_extension(name, 1), Err(Error::Name(_))), "{name}");
    }
    let long = "a".repeat(1000);
    assert!(minimal().with_extension(&long, 1).expect("valid").extension(&long).is_some());
}

#[test]
fn of_all_characters_controls_and_noncharacters_are_refused() {
    let mut refused = 0;
    for character in '\0'..=char::MAX {
        let text = character.to_string();
        if Value::parse(Kind::String, &text).is_err() {
            refused += 1;
            assert!(minimal().with_extension("ext", text.as_str()).is_err());
            assert!(minimal().with_subject(&text).is_err());
            assert!(Event::new(&text, "/s", "t").is_err());
        }
    }
    // U+0000 to U+001F, U+007F to U+009F; U+FDD0 to U+FDEF, and the last two of each of 17 planes.
    assert_eq!(refused, 32 + 33 + 32 + 2 * 17);
    for text in ["\u{7f}", "\u{9f}", "\u{fdd0}", "\u{fdef}", "\u{fffe}", "\u{10ffff}"] {
        assert!(minimal().with_subject(text).is_err(), "{text:?}");
    }
}

#[test]
fn required_attributes_and_subject_are_not_empty() {
    assert!(Event::new("", "/s", "t").is_err());
    assert!(Event::new("1", "", "t").is_err());
    assert!(Event::new("1", "/s", "").is_err());
    assert!(minimal().with_subject("").is_err());
    assert!(minimal().with_extension("ext", "").is_ok());
}

#[test]
fn uris_are_those_of_rfc_3986() {
    let absolute = [
        "ftp://ftp.is.co.za/rfc/rfc1808.txt",
        "http://www.ietf.org/rfc/rfc2396.txt",
        "ldap://[2001:db8::7]/c=GB?objectClass?one",
        "mailto:John.Doe@example.com",
        "news:comp.infosystems.www.servers.unix",
        "tel:+1-816-555-1212",
        "telnet://192.0.2.16:80/",
        "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
        "a:",
        "file:///",
        "http://a/%C3%A4?q=%20/?",
    ];
    for text in absolute {
        assert_eq!(text.parse::<Uri>().expect(text).as_str(), text);
        assert_eq!(text.parse::<UriReference>().expect(text).as_str(), text);
    }
    // RFC 3986, 5.4.1, and two with a scheme and a fragment.
    let relative = [
        "g",
        "./g",
        "g/",
        "/g",
        "//g",
        "?y",
        "g?y",
        "#s",
        "g#s",
        "g?y#s",
        ";x",
        "g;x",
        "g;x?y#s",
        "",
        ".",
        "./",
        "..",
        "../",
        "../g",
        "../..",
        "../../g",
        "1-555-123-4567",
        "./a:b",
        "http://a/#s",
        "a:#",
    ];
    for text in relative {
        assert!(text.parse::<UriReference>().is_ok(), "{text}");
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
    let neither = [
        " ",
        "a b",
        "http://a b/",
        "http://[::1/",
        "http://[::g]/",
        "%",
        "%2",
        "%zz",
        "a\\b",
        "<a>",
        "\"",
        "{x}",
        "a|b",
        "^",
        "`",
        "http://a:b/",
        "#a#b",
        "\u{e4}",
        "http://\u{e4}/",
        "1a:b",
        ":a",
        "a\n",
        "\0",
    ];
    for text in neither {
        assert!(text.parse::<UriReference>().is_err(), "{text:?}");
        assert!(text.parse::<Uri>().is_err(), "{text:?}");
    }
}

#[test]
fn values_and_their_canonical_strings_are_the_same() {
    let cases = [
        (Kind::Boolean, &["true", "false"][..], &["True", "TRUE", "1", "", " true"][..]),
        (
            Kind::Integer,
            &["0", "-1", "2147483647", "-2147483648"],
            &["", "-", "+1", "01", "-01", "1.0", "1e1", "2147483648", " 1", "\u{661}", "0x1"],
        ),
        (Kind::String, &["", "a", "ä"], &["\t", "\u{85}"]),
        (Kind::Binary, &["", "TWE=", "/+8="], &["TWE", "TWE=\n", "TWF=", "_-8=", "====", "T"]),
        (Kind::Uri, &["a:b"], &["a", ""]),
        (Kind::UriReference, &["a:b#c", "a", ""], &[" "]),
        (Kind::Timestamp, &["2018-04-05T17:31:00Z"], &["2018-04-05"]),
    ];
    for (kind, good, bad) in cases {
        for text in good {
            let value = Value::parse(kind, text).expect(text);
            assert_eq!((value.kind(), &*value.to_string()), (kind, *text));
            assert_eq!(Value::from(*text).to_kind(kind), Ok(value.clone()));
            assert_eq!(value.to_kind(Kind::String), Ok(Value::from(*text)));
        }
        for text in bad {
            assert!(Value::parse(kind, text).is_err(), "{kind} {text:?}");
        }
    }
}

#[test]
fn events_are_equal_by_meaning() {
    let json = |text: &str| {
        let json = ampoule_event::JsonText::new(text).expect(text);
        minimal().with_data(json)
    };
    assert_eq!(json("{\"a b\" : [1,\n2]}"), json(" {\"a b\":[1,2]} "));
    assert_ne!(json("{\"a b\":1}"), json("{\"ab\":1}"));
    assert_ne!(json("\"\\\" \""), json("\"\\\"\""));
    assert_ne!(json("[1]"), json("[1.0]"));
    assert_eq!(minimal().with_data("a"), minimal().with_data(b"a".to_vec()));
    assert_ne!(minimal().with_data("1"), json("1"));
    let at = |text: &str| minimal().with_time(text.parse().expect(text));
    assert_eq!(at("2018-04-05T17:31:00Z"), at("2018-04-05T18:31:00.000+01:00"));
    assert_ne!(at("2018-04-05T17:31:00Z"), at("2018-04-05T17:31:00.001Z"));
}
