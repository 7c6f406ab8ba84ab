//! One event out of Protobuf.

use alloc::{borrow::ToOwned, vec::Vec};

use ampoule_abi::wire::Value as Field;

use super::fields::{Message, any, entry, event, timestamp, value};
use crate::data::Proto;
use crate::draft::Draft;
use crate::error::{Error, Invalid};
use crate::{Data, Event, Timestamp, Value};

/// The attributes that are fields of their own, and their fields.
const REQUIRED: [(&str, u32); 4] = [
    ("id", event::ID),
    ("source", event::SOURCE),
    ("specversion", event::SPEC_VERSION),
    ("type", event::TYPE),
];

/// Reads the event that the bytes are.
pub fn from_protobuf(bytes: &[u8]) -> Result<Event, Error> {
    from_message(Message::new(bytes))
}

pub(super) fn from_message(mut message: Message<'_>) -> Result<Event, Error> {
    let mut draft = Draft::default();
    let mut data = None;
    while let Some((number, field)) = message.field()? {
        match number {
            event::ATTRIBUTES => attribute(&mut draft, message.message(field)?)?,
            event::BINARY_DATA => {
                message.once(&mut data, Data::Binary(message.bytes(field)?.to_owned()))?;
            }
            event::TEXT_DATA => {
                message.once(&mut data, Data::Text(message.text(field)?.to_owned()))?;
            }
            event::PROTO_DATA => {
                message.once(&mut data, Data::Proto(proto(message.message(field)?)?))?;
            }
            _ => {
                if let Some((name, _)) = REQUIRED.iter().find(|(_, field)| *field == number) {
                    let text = message.text(field)?;
                    draft.attribute(name, || Ok(Some(text.into())))?;
                }
            }
        }
    }
    if let Some(Data::Proto(proto)) = &data {
        draft.complete_schema(proto);
    }
    draft.finish(|_| Ok(data))
}

/// Takes an entry of the map of attributes.
fn attribute(draft: &mut Draft, mut message: Message<'_>) -> Result<(), Error> {
    let (mut name, mut found) = (None, None);
    while let Some((number, field)) = message.field()? {
        match number {
            entry::KEY => message.once(&mut name, message.text(field)?)?,
            entry::VALUE => message.once(&mut found, message.message(field)?)?,
            _ => {}
        }
    }
    let name = name.unwrap_or("");
    if REQUIRED.iter().any(|(required, _)| *required == name) {
        let expected = "an attribute of the map: it has a field of its own";
        return Err(Error::Name(Invalid::new(name, expected, "cloudevents.proto")));
    }
    draft.attribute(name, || match found {
        Some(message) => typed(name, message).map(Some),
        None => Err(no_value(name)),
    })
}

fn no_value(name: &str) -> Error {
    Invalid::nothing("a value of one of the seven types", "cloudevents.proto").of(name)
}

/// A `CloudEventAttributeValue`.
fn typed(name: &str, mut message: Message<'_>) -> Result<Value, Error> {
    let of_name = |invalid: Invalid| invalid.of(name);
    let mut found = None;
    while let Some((number, field)) = message.field()? {
        let value = match number {
            value::BOOLEAN => Value::Boolean(message.number(field)? != 0),
            value::INTEGER => Value::Integer(integer(&message, field)?),
            value::STRING => Value::String(message.text(field)?.to_owned()),
            value::BYTES => Value::Binary(message.bytes(field)?.to_owned()),
            // Perhaps a type URL without a scheme.
            value::URI if name == "dataschema" => Value::from(message.text(field)?),
            value::URI => Value::Uri(message.text(field)?.parse().map_err(of_name)?),
            value::URI_REF => Value::UriReference(message.text(field)?.parse().map_err(of_name)?),
            value::TIMESTAMP => Value::Timestamp(instant(message.message(field)?)?),
            _ => continue,
        };
        message.once(&mut found, value)?;
    }
    found.ok_or_else(|| no_value(name))
}

/// A number of 32 bits, of which a negative one is written with 64.
fn integer(message: &Message<'_>, field: Field<'_>) -> Result<i32, Error> {
    let number = message.number(field)?.cast_signed();
    i32::try_from(number).map_err(|_| message.error("an Integer has more than 32 bits"))
}

/// A `google.protobuf.Timestamp`.
fn instant(mut message: Message<'_>) -> Result<Timestamp, Error> {
    let (mut seconds, mut nanoseconds) = (None, None);
    while let Some((number, field)) = message.field()? {
        match number {
            timestamp::SECONDS => {
                message.once(&mut seconds, message.number(field)?.cast_signed())?;
            }
            timestamp::NANOS => message.once(&mut nanoseconds, message.number(field)?)?,
            _ => {}
        }
    }
    let nanoseconds = u32::try_from(nanoseconds.unwrap_or(0)).ok();
    nanoseconds
        .and_then(|nanoseconds| Timestamp::from_unix(seconds.unwrap_or(0), nanoseconds))
        .ok_or_else(|| message.error("no valid Timestamp: years 1 to 9999, 0 to 999999999 ns"))
}

/// A `google.protobuf.Any`.
fn proto(mut message: Message<'_>) -> Result<Proto, Error> {
    let (mut type_url, mut found) = (None, None);
    while let Some((number, field)) = message.field()? {
        match number {
            any::TYPE_URL => message.once(&mut type_url, message.text(field)?)?,
            any::VALUE => message.once(&mut found, message.bytes(field)?)?,
            _ => {}
        }
    }
    let value = found.map_or_else(Vec::new, <[u8]>::to_owned);
    Proto::new(type_url.unwrap_or(""), value).map_err(|invalid| invalid.of("proto_data"))
}
