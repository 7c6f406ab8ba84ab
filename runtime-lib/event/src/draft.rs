//! An event that is being read, attribute by attribute, in whatever order.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String};

#[cfg(feature = "protobuf")]
use crate::data::Proto;
use crate::error::{Error, Excerpt, Invalid};
use crate::{Data, Event, MediaType, Timestamp, Value, name};

/// The version of CloudEvents that is read and written.
pub(crate) const SPECVERSION: &str = "1.0";

/// What every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// The attributes that have been read; those that were there without a value have none.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    attributes: BTreeMap<String, Option<Value>>,
}

impl Draft {
    /// Takes an attribute, core or extension, with its value if it has one. A core attribute may be given as
    /// the string that is canonical for its type. The value is asked for when the name has been checked.
    pub fn attribute(
        &mut self,
        name: &str,
        value: impl FnOnce() -> Result<Option<Value>, Error>,
    ) -> Result<(), Error> {
        name::check(name).map_err(Error::Name)?;
        match self.attributes.insert(name.to_owned(), value()?) {
            None => Ok(()),
            Some(_) => Err(Error::Twice(Excerpt::new(name))),
        }
    }

    /// Makes a `dataschema` that is the type URL of a message, without a scheme, the URI that it stands for: such
    /// is the example of Protobuf format 1.0.2, 6.2.
    #[cfg(feature = "protobuf")]
    pub fn complete_schema(&mut self, proto: &Proto) {
        if let Some(Some(schema)) = self.attributes.get_mut("dataschema")
            && reference("dataschema", schema).is_ok_and(|schema| schema == proto.type_url())
        {
            *schema = Value::Uri(proto.uri());
        }
    }

    /// The event, if there is all that it needs and nothing wrong. Its data may depend on its
    /// `datacontenttype`.
    pub fn finish(
        self,
        data: impl FnOnce(Option<&MediaType>) -> Result<Option<Data>, Error>,
    ) -> Result<Event, Error> {
        let version = string("specversion", self.required("specversion")?)?;
        if version != SPECVERSION {
            let expected = "1.0, the version that is understood";
            let section = "CloudEvents 1.0.2, specversion";
            return Err(Invalid::new(version, expected, section).of("specversion"));
        }
        let id = string("id", self.required("id")?)?;
        let source = reference("source", self.required("source")?)?;
        let event_type = string("type", self.required("type")?)?;
        let mut event = Event::new(id, source, event_type)?;
        for (name, value) in self.attributes {
            if let (Some(value), false) = (value, REQUIRED.contains(&&*name)) {
                event = set(event, &name, value)?;
            }
        }
        event.data = data(event.datacontenttype.as_ref())?;
        event.settle();
        Ok(event)
    }

    fn required(&self, name: &'static str) -> Result<&Value, Error> {
        self.attributes.get(name).and_then(Option::as_ref).ok_or(Error::Missing(name))
    }
}

fn set(event: Event, name: &str, value: Value) -> Result<Event, Error> {
    let of_name = |invalid: Invalid| invalid.of(name);
    match name {
        "subject" => event.with_subject(string(name, &value)?),
        "time" => Ok(event.with_time(timestamp(name, &value)?)),
        "dataschema" => {
            Ok(event.with_dataschema(reference(name, &value)?.parse().map_err(of_name)?))
        }
        "datacontenttype" => {
            Ok(event.with_datacontenttype(string(name, &value)?.parse().map_err(of_name)?))
        }
        _ => event.with_extension(name, value),
    }
}

fn string<'a>(name: &str, value: &'a Value) -> Result<&'a str, Error> {
    match value {
        Value::String(string) => Ok(string),
        other => Err(Invalid::kind(other, "a String").of(name)),
    }
}

fn reference<'a>(name: &str, value: &'a Value) -> Result<&'a str, Error> {
    match value {
        Value::String(string) => Ok(string),
        Value::Uri(uri) => Ok(uri.as_str()),
        Value::UriReference(reference) => Ok(reference.as_str()),
        other => Err(Invalid::kind(other, "a URI or URI-reference").of(name)),
    }
}

fn timestamp(name: &str, value: &Value) -> Result<Timestamp, Error> {
    match value {
        Value::Timestamp(time) => Ok(*time),
        Value::String(string) => string.parse().map_err(|invalid: Invalid| invalid.of(name)),
        other => Err(Invalid::kind(other, "a Timestamp").of(name)),
    }
}
