//! Events to JSON: one line, attributes in a fixed order, extensions by name, data last.

use alloc::{string::String, string::ToString, vec::Vec};
use core::fmt::Write;

use crate::draft::SPECVERSION;
use crate::{Data, Event, MediaType, Value, value};

/// Writes an event as one line of JSON, without a line feed at its end.
pub fn to_json(event: &Event) -> Vec<u8> {
    let mut text = String::new();
    write_event(&mut text, event);
    text.into_bytes()
}

fn write_event(text: &mut String, event: &Event) {
    text.push_str("{\"specversion\":\"");
    text.push_str(SPECVERSION);
    text.push('"');
    write_string(text, "id", &event.id);
    write_string(text, "source", event.source.as_str());
    write_string(text, "type", &event.event_type);
    if let Some(subject) = &event.subject {
        write_string(text, "subject", subject);
    }
    if let Some(time) = &event.time {
        write_string(text, "time", &time.to_string());
    }
    if let Some(media_type) = &event.datacontenttype {
        write_string(text, "datacontenttype", media_type.as_str());
    }
    if let Some(schema) = &event.dataschema {
        write_string(text, "dataschema", schema.as_str());
    }
    for (name, value) in &event.extensions {
        match value {
            Value::Boolean(_) | Value::Integer(_) => {
                write_name(text, name.as_str());
                write!(text, "{value}").expect("a string takes everything");
            }
            _ => write_string(text, name.as_str(), &value.to_string()),
        }
    }
    if let Some(data) = &event.data {
        write_data(text, data, event.datacontenttype.as_ref());
    }
    text.push('}');
}

fn write_data(text: &mut String, data: &Data, media_type: Option<&MediaType>) {
    match data {
        Data::Json(json) => {
            write_name(text, "data");
            text.extend(json.compact());
        }
        // Otherwise a reader would take the string for a JSON value.
        Data::Text(string) if media_type.is_some_and(|media_type| !media_type.is_json()) => {
            write_string(text, "data", string);
        }
        _ => write_string(text, "data_base64", &value::to_base64(data.bytes())),
    }
}

/// Writes the name of a member that is not the first; it needs no escapes.
fn write_name(text: &mut String, name: &str) {
    text.push_str(",\"");
    text.push_str(name);
    text.push_str("\":");
}

fn write_string(text: &mut String, name: &str, value: &str) {
    write_name(text, name);
    text.push('"');
    let mut rest = value;
    while let Some(index) = rest.find(|character| matches!(character, '\0'..' ' | '"' | '\\')) {
        let (plain, escaped) = rest.split_at(index);
        text.push_str(plain);
        write_escape(text, escaped.as_bytes()[0]);
        // What is escaped is of one byte.
        rest = &escaped[1..];
    }
    text.push_str(rest);
    text.push('"');
}

fn write_escape(text: &mut String, character: u8) {
    match character {
        b'"' => text.push_str("\\\""),
        b'\\' => text.push_str("\\\\"),
        b'\n' => text.push_str("\\n"),
        b'\r' => text.push_str("\\r"),
        b'\t' => text.push_str("\\t"),
        other => write!(text, "\\u{other:04x}").expect("a string takes everything"),
    }
}
