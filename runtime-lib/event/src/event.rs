//! The event: attributes, extensions and data, always valid.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String};

use crate::error::{Error, Invalid};
use crate::{Data, MediaType, Name, Timestamp, Uri, UriReference, Value, text};

/// An event of CloudEvents 1.0.2. Whatever is set is checked first, so that every event can be written.
///
/// Two events are equal if they mean the same: instants count, not their spelling, and neither the space in
/// JSON data nor whether text was carried as bytes makes a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub(crate) id: String,
    pub(crate) source: UriReference,
    pub(crate) event_type: String,
    pub(crate) subject: Option<String>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) dataschema: Option<Uri>,
    pub(crate) datacontenttype: Option<MediaType>,
    pub(crate) extensions: BTreeMap<Name, Value>,
    pub(crate) data: Option<Data>,
}

impl Event {
    /// An event with the required attributes: `id`, not empty and unique within `source`; `source`, a
    /// URI-reference, not empty; `type`, not empty.
    pub fn new(id: &str, source: &str, event_type: &str) -> Result<Self, Error> {
        Ok(Self {
            id: not_empty("id", id)?,
            source: self::source(source)?,
            event_type: not_empty("type", event_type)?,
            subject: None,
            time: None,
            dataschema: None,
            datacontenttype: None,
            extensions: BTreeMap::new(),
            data: None,
        })
    }

    /// Sets `id`, which is not empty.
    pub fn with_id(mut self, id: &str) -> Result<Self, Error> {
        self.id = not_empty("id", id)?;
        Ok(self)
    }

    /// Sets `source`, a URI-reference, which is not empty.
    pub fn with_source(mut self, source: &str) -> Result<Self, Error> {
        self.source = self::source(source)?;
        Ok(self)
    }

    /// Sets `type`, which is not empty.
    pub fn with_type(mut self, event_type: &str) -> Result<Self, Error> {
        self.event_type = not_empty("type", event_type)?;
        Ok(self)
    }

    /// Sets `subject`, which is not empty.
    pub fn with_subject(mut self, subject: &str) -> Result<Self, Error> {
        self.subject = Some(not_empty("subject", subject)?);
        Ok(self)
    }

    /// Sets `time`.
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Sets `dataschema`.
    pub fn with_dataschema(mut self, schema: Uri) -> Self {
        self.dataschema = Some(schema);
        self.settle();
        self
    }

    /// Sets `datacontenttype`; data is interpreted by it (see [`Data`]).
    pub fn with_datacontenttype(mut self, media_type: MediaType) -> Self {
        self.datacontenttype = Some(media_type);
        self.settle();
        self
    }

    /// Sets an extension; one of this name that was set before is replaced.
    pub fn with_extension(mut self, name: &str, value: impl Into<Value>) -> Result<Self, Error> {
        self.set_extension(name, value.into())?;
        Ok(self)
    }

    /// Sets the data. For a JSON value or a Protobuf message `datacontenttype` is set too if it is absent,
    /// for the message `dataschema` as well.
    pub fn with_data(mut self, data: impl Into<Data>) -> Self {
        self.data = Some(data.into());
        self.settle();
        self
    }

    /// Sets an extension.
    pub(crate) fn set_extension(&mut self, name: &str, value: Value) -> Result<(), Error> {
        let key = Name::new(name).map_err(Error::Name)?;
        value.check().map_err(|invalid| invalid.of(name))?;
        self.extensions.insert(key, value);
        Ok(())
    }

    /// Makes data and `datacontenttype` agree.
    pub(crate) fn settle(&mut self) {
        match &self.data {
            Some(Data::Json(_)) => {
                self.datacontenttype.get_or_insert_with(MediaType::json);
            }
            Some(Data::Proto(proto)) => {
                self.datacontenttype.get_or_insert_with(MediaType::protobuf);
                self.dataschema.get_or_insert_with(|| proto.uri());
            }
            _ => {}
        }
        let data = self.data.take();
        self.data =
            data.map(|data| data.settle(self.datacontenttype.as_ref(), self.dataschema.as_ref()));
    }

    /// What identifies the event within its source.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The context in which it happened.
    pub fn source(&self) -> &UriReference {
        &self.source
    }

    /// The attribute `type`: what happened.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What it is about, within the source.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The schema of the data.
    pub fn dataschema(&self) -> Option<&Uri> {
        self.dataschema.as_ref()
    }

    /// The media type of the data.
    pub fn datacontenttype(&self) -> Option<&MediaType> {
        self.datacontenttype.as_ref()
    }

    /// The value of an extension.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.extensions.get(name)
    }

    /// All extensions, in the order of their names.
    pub fn extensions(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.extensions.iter()
    }

    /// The data.
    pub fn data(&self) -> Option<&Data> {
        self.data.as_ref()
    }

    /// A copy of all but the data.
    pub fn without_data(&self) -> Self {
        Self {
            id: self.id.clone(),
            source: self.source.clone(),
            event_type: self.event_type.clone(),
            subject: self.subject.clone(),
            time: self.time,
            dataschema: self.dataschema.clone(),
            datacontenttype: self.datacontenttype.clone(),
            extensions: self.extensions.clone(),
            data: None,
        }
    }

    /// The data, without the rest.
    pub fn into_data(self) -> Option<Data> {
        self.data
    }
}

fn not_empty(name: &'static str, value: &str) -> Result<String, Error> {
    text::check_not_empty(value).map_err(|invalid| invalid.of(name))?;
    Ok(value.to_owned())
}

/// A `source`, which is not empty.
pub(crate) fn source(value: &str) -> Result<UriReference, Error> {
    if value.is_empty() {
        let section = "CloudEvents 1.0.2, source";
        return Err(Invalid::new(value, "a non-empty URI-reference", section).of("source"));
    }
    value.parse().map_err(|invalid: Invalid| invalid.of("source"))
}
