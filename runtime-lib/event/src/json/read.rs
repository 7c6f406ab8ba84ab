//! One event out of JSON.

use alloc::string::String;

use serde_json::value::RawValue;

use super::scanner::{Scanner, unescape};
use crate::draft::Draft;
use crate::error::{Error, Excerpt, Invalid};
use crate::json_text::JsonText;
use crate::{Data, Event, MediaType, Value, value};

/// What an event begins with.
pub(super) const EVENT: &str = "an event, which is an object, `{…}`";

/// Reads one event, which the bytes are nothing but, except for space around it.
pub fn from_json(bytes: &[u8]) -> Result<Event, Error> {
    let mut scanner = Scanner::new(bytes);
    let mut members = Members::default();
    scanner.expect(b'{', EVENT)?;
    if !scanner.take(b'}') {
        loop {
            let name = scanner.value()?;
            scanner.expect(b':', "a name, `:` and a value")?;
            members.member(name, scanner.value()?)?;
            if scanner.take(b'}') {
                break;
            }
            scanner.expect(b',', "`,` or `}`")?;
        }
    }
    scanner.end()?;
    members.finish()
}

/// The members of an event's object, as far as they have been read.
#[derive(Default)]
struct Members<'a> {
    draft: Draft,
    data: Option<&'a RawValue>,
    data_base64: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn member(&mut self, name: &RawValue, value: &'a RawValue) -> Result<(), Error> {
        let name = unescape(name.get()).ok_or_else(|| {
            let expected = "the name of a member, a string of Unicode characters";
            Error::Name(Invalid::new(name.get(), expected, "RFC 8259, 4"))
        })?;
        let name = name.as_str();
        let data = match name {
            "data" => &mut self.data,
            "data_base64" => &mut self.data_base64,
            _ => return self.draft.attribute(name, || attribute(name, value)),
        };
        match data.replace(value) {
            None => Ok(()),
            Some(_) => Err(Error::Twice(Excerpt::new(name))),
        }
    }

    fn finish(self) -> Result<Event, Error> {
        let (data, data_base64) = (self.data, self.data_base64);
        self.draft.finish(|media_type| match (data, data_base64) {
            (None, None) => Ok(None),
            (Some(value), None) => plain_data(value, media_type).map(Some),
            (None, Some(value)) => binary_data(value).map(Some),
            (Some(_), Some(_)) => Err(Error::TwoData),
        })
    }
}

/// An attribute's value; `None` for `null`, which is as if it were not there (JSON format, 2.2).
fn attribute(name: &str, value: &RawValue) -> Result<Option<Value>, Error> {
    let text = value.get();
    let value = match text.as_bytes() {
        b"null" => return Ok(None),
        b"true" => Value::Boolean(true),
        b"false" => Value::Boolean(false),
        [b'"', ..] => Value::String(string(name, text)?),
        [b'[' | b'{', ..] => {
            let expected = "a string, an Integer or a Boolean";
            return Err(Invalid::new(text, expected, "JSON format 1.0.2, 2.2").of(name));
        }
        _ => Value::Integer(value::integer(text).map_err(|invalid| invalid.of(name))?),
    };
    Ok(Some(value))
}

/// `data`: a JSON value, or by `datacontenttype` the string of something else (JSON format, 3.1.2).
fn plain_data(value: &RawValue, media_type: Option<&MediaType>) -> Result<Data, Error> {
    if media_type.is_none_or(MediaType::is_json) {
        return Ok(Data::Json(JsonText::from_raw(value)));
    }
    string("data", value.get()).map(Data::Text)
}

fn binary_data(value: &RawValue) -> Result<Data, Error> {
    let name = "data_base64";
    let string = string(name, value.get())?;
    value::from_base64(&string).map(Data::Binary).map_err(|invalid| invalid.of(name))
}

/// The string that a JSON text is: not every text of a JSON string is one, as it may have half of a
/// surrogate pair.
fn string(name: &str, text: &str) -> Result<String, Error> {
    unescape(text).ok_or_else(|| {
        let expected = match name {
            "data" => "a string, as its `datacontenttype` is not JSON",
            _ => "a string of Unicode characters",
        };
        Invalid::new(text, expected, "JSON format 1.0.2, 3.1").of(name)
    })
}
