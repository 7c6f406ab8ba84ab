//! Events to Protobuf, always the same bytes for the same event: fields in the order of their numbers,
//! attributes in the order of their names.

use alloc::{collections::BTreeMap, vec::Vec};

use super::fields::{any, batch, entry, event, timestamp, value};
use crate::draft::SPECVERSION;
use crate::{Data, Event, Timestamp, Value};

/// Writes an event.
pub fn to_protobuf(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, event::ID, event.id.as_bytes());
    put_bytes(&mut bytes, event::SOURCE, event.source.as_str().as_bytes());
    put_bytes(&mut bytes, event::SPEC_VERSION, SPECVERSION.as_bytes());
    put_bytes(&mut bytes, event::TYPE, event.event_type.as_bytes());
    for (name, value) in attributes(event) {
        let mut attribute = Vec::new();
        put_bytes(&mut attribute, entry::KEY, name.as_bytes());
        put_bytes(&mut attribute, entry::VALUE, &value);
        put_bytes(&mut bytes, event::ATTRIBUTES, &attribute);
    }
    match &event.data {
        None => {}
        Some(Data::Binary(data)) => put_bytes(&mut bytes, event::BINARY_DATA, data),
        Some(Data::Text(text)) => put_bytes(&mut bytes, event::TEXT_DATA, text.as_bytes()),
        Some(Data::Json(json)) => put_bytes(&mut bytes, event::TEXT_DATA, json.as_str().as_bytes()),
        Some(Data::Proto(proto)) => {
            let mut message = Vec::new();
            put_bytes(&mut message, any::TYPE_URL, proto.type_url().as_bytes());
            if !proto.value().is_empty() {
                put_bytes(&mut message, any::VALUE, proto.value());
            }
            put_bytes(&mut bytes, event::PROTO_DATA, &message);
        }
    }
    bytes
}

/// Appends an event as one of a `CloudEventBatch`.
pub(crate) fn put_in_batch(bytes: &mut Vec<u8>, event: &Event) {
    put_bytes(bytes, batch::EVENTS, &to_protobuf(event));
}

/// The attributes that the map holds, each a `CloudEventAttributeValue`.
fn attributes(event: &Event) -> BTreeMap<&str, Vec<u8>> {
    let mut map = BTreeMap::new();
    for (name, value) in &event.extensions {
        map.insert(name.as_str(), typed(value));
    }
    if let Some(subject) = &event.subject {
        map.insert("subject", string(value::STRING, subject));
    }
    if let Some(media_type) = &event.datacontenttype {
        map.insert("datacontenttype", string(value::STRING, media_type.as_str()));
    }
    if let Some(schema) = &event.dataschema {
        map.insert("dataschema", string(value::URI, schema.as_str()));
    }
    if let Some(time) = event.time {
        map.insert("time", typed(&Value::Timestamp(time)));
    }
    map
}

fn typed(value: &Value) -> Vec<u8> {
    match value {
        Value::Boolean(boolean) => number(value::BOOLEAN, (*boolean).into()),
        // Negative numbers take 64 bits.
        Value::Integer(integer) => number(value::INTEGER, i64::from(*integer).cast_unsigned()),
        Value::String(text) => string(value::STRING, text),
        Value::Binary(bytes) => field(value::BYTES, bytes),
        Value::Uri(uri) => string(value::URI, uri.as_str()),
        Value::UriReference(reference) => string(value::URI_REF, reference.as_str()),
        Value::Timestamp(time) => field(value::TIMESTAMP, &instant(*time)),
    }
}

/// A `google.protobuf.Timestamp`, of which zeros are left out, as of every message.
fn instant(time: Timestamp) -> Vec<u8> {
    let mut bytes = Vec::new();
    if time.unix_seconds() != 0 {
        put_number(&mut bytes, timestamp::SECONDS, time.unix_seconds().cast_unsigned());
    }
    if time.nanoseconds() != 0 {
        put_number(&mut bytes, timestamp::NANOS, time.nanoseconds().into());
    }
    bytes
}

fn number(number: u32, value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, number, value);
    bytes
}

fn string(number: u32, text: &str) -> Vec<u8> {
    field(number, text.as_bytes())
}

fn field(number: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, number, value);
    bytes
}

fn put_number(bytes: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(bytes, u64::from(number) << 3);
    put_varint(bytes, value);
}

/// Appends a length-delimited field.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, number: u32, value: &[u8]) {
    put_varint(bytes, u64::from(number) << 3 | 2);
    put_varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
