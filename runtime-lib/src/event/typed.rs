//! An event's data as a type of one's own.

#[cfg(feature = "event-protobuf")]
use ampoule_event::MediaType;
use ampoule_event::{Data, Event};

use super::Cause;
use super::handler::{FromEvent, IntoAnswer};
use crate::{Error, Result};

/// Data that is JSON, as what `serde` makes of it; an answer has `application/json` as its
/// `datacontenttype`, and `type` is the question's with `.answer` behind it.
#[cfg(feature = "event-json")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

#[cfg(feature = "event-json")]
impl<T: serde::de::DeserializeOwned> FromEvent for Json<T> {
    fn from_event(event: Event) -> Result<Self> {
        let bytes = match event.data() {
            Some(Data::Json(json)) => json.as_str().as_bytes(),
            // In binary mode nobody need have said what it is.
            Some(Data::Binary(bytes)) if event.datacontenttype().is_none() => bytes,
            other => return Err(other_data(&event, other, "JSON")),
        };
        let value = serde_json::from_slice(bytes);
        value.map(Self).map_err(|error| {
            Error::data(format_args!("the data of event {:?}: {error}", event.id()))
        })
    }
}

#[cfg(feature = "event-json")]
impl<T: serde::Serialize> IntoAnswer for Json<T> {
    fn into_answer(self, cause: &Cause) -> Result<Option<Event>> {
        let json = ampoule_event::JsonText::of(&self.0)?;
        Ok(Some(cause.answer_by_default()?.with_data(json)))
    }
}

/// Data that is a Protobuf message; an answer has `application/protobuf` as its `datacontenttype`,
/// and `type` is the question's with `.answer` behind it.
#[cfg(feature = "event-protobuf")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protobuf<T>(pub T);

#[cfg(feature = "event-protobuf")]
impl<T: prost::Message + Default> FromEvent for Protobuf<T> {
    fn from_event(event: Event) -> Result<Self> {
        let bytes = match event.data() {
            Some(Data::Proto(message)) => message.value(),
            Some(Data::Binary(bytes)) => bytes,
            // A message whose fields all have their default values takes no bytes.
            None if event.datacontenttype() == Some(&MediaType::protobuf()) => &[],
            other => return Err(other_data(&event, other, "a Protobuf message")),
        };
        let message = T::decode(bytes);
        message.map(Self).map_err(|error| {
            Error::data(format_args!("the data of event {:?}: {error}", event.id()))
        })
    }
}

#[cfg(feature = "event-protobuf")]
impl<T: prost::Message> IntoAnswer for Protobuf<T> {
    fn into_answer(self, cause: &Cause) -> Result<Option<Event>> {
        let answer = cause.answer_by_default()?;
        let answer = answer.with_datacontenttype(MediaType::protobuf());
        Ok(Some(answer.with_data(self.0.encode_to_vec())))
    }
}

fn other_data(event: &Event, data: Option<&Data>, wanted: &str) -> Error {
    let id = event.id();
    match (data, event.datacontenttype()) {
        (None, _) => Error::data(format_args!("event {id:?} has no data; {wanted} is wanted")),
        (_, Some(media_type)) => Error::data(format_args!(
            "the data of event {id:?} is {:?} by its `datacontenttype`; {wanted} is wanted",
            media_type.as_str()
        )),
        (_, None) => Error::data(format_args!(
            "the data of event {id:?} is of no `datacontenttype`; {wanted} is wanted"
        )),
    }
}
