//! Binary mode: attributes in the environment, the data by itself (SPEC C5).
//!
//! `CE_ID`, `CE_SOURCE` and so on hold the canonical strings of the attributes, in UTF-8, without the
//! percent-encoding of the HTTP binding, which the environment does not need. `CONTENT_TYPE` is
//! `datacontenttype`. Nobody tells the types of extensions here: all are Strings.

use alloc::{borrow::ToOwned, format, string::String, string::ToString, vec::Vec};

use crate::draft::{Draft, SPECVERSION};
use crate::error::{Error, Excerpt, Invalid};
use crate::{Data, Event, Mode, Value};

/// What the names of attributes are preceded by.
pub const PREFIX: &str = "CE_";
/// The variable that holds `datacontenttype`.
pub const CONTENT_TYPE: &str = "CONTENT_TYPE";
/// The variable that holds the media type of the answers that are wanted (RFC 3875, 4.1.18).
pub const ACCEPT: &str = "HTTP_ACCEPT";

const SECTION: &str = "SPEC C5";

/// Variables of an environment: names and values.
pub type Variables = Vec<(String, String)>;

/// Reads an event out of an environment and its data; other variables than `CE_…` and `CONTENT_TYPE` are
/// passed over. Empty data is none: binary mode cannot tell the two apart.
pub fn from_environment<'a>(
    variables: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    data: Vec<u8>,
) -> Result<Event, Error> {
    let mut draft = Draft::default();
    for (variable, value) in variables {
        let name = if variable == CONTENT_TYPE.as_bytes() {
            // As if it were not there (RFC 3875, 4.1).
            if value.is_empty() {
                continue;
            }
            "datacontenttype".to_owned()
        } else if let Some(suffix) = variable.strip_prefix(PREFIX.as_bytes()) {
            attribute(variable, suffix)?
        } else {
            continue;
        };
        draft.attribute(&name, || match str::from_utf8(value) {
            Ok(value) => Ok(Some(value.into())),
            Err(_) => {
                let shown = String::from_utf8_lossy(value);
                Err(Invalid::new(&shown, "UTF-8", SECTION).of(&name))
            }
        })?;
    }
    draft.finish(|_| Ok((!data.is_empty()).then_some(Data::Binary(data))))
}

/// The attribute that `CE_` and `suffix` hold.
fn attribute(variable: &[u8], suffix: &[u8]) -> Result<String, Error> {
    let expected = if suffix == b"DATACONTENTTYPE" {
        "allowed: CONTENT_TYPE holds that attribute"
    } else if suffix.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Ok(String::from_utf8_lossy(suffix).to_ascii_lowercase());
    } else {
        "`CE_` and the name of an attribute in capitals"
    };
    Err(Error::Name(Invalid::new(&String::from_utf8_lossy(variable), expected, SECTION)))
}

/// The variables of an event, in a fixed order, and its data, empty if it has none.
///
/// # Errors
///
/// As [`to_data`]; and what has the media type of events as data would be taken for these.
pub fn to_environment(event: &Event) -> Result<(Variables, &[u8]), Error> {
    let mut variables = Vec::new();
    let mut put = |name: &str, value: &str| {
        variables.push((format!("{PREFIX}{}", name.to_ascii_uppercase()), value.to_owned()));
    };
    put("specversion", SPECVERSION);
    put("id", &event.id);
    put("source", event.source.as_str());
    put("type", &event.event_type);
    if let Some(subject) = &event.subject {
        put("subject", subject);
    }
    if let Some(time) = event.time {
        put("time", &time.to_string());
    }
    if let Some(schema) = &event.dataschema {
        put("dataschema", schema.as_str());
    }
    for (name, value) in &event.extensions {
        put(name.as_str(), &Value::to_string(value));
    }
    if let Some(media_type) = &event.datacontenttype {
        if Mode::of(Some(media_type.as_str()), true) != Ok(Mode::Binary) {
            let expected = "what binary mode can carry: it would be taken for the event itself";
            return Err(Invalid::new(media_type.as_str(), expected, SECTION).of("datacontenttype"));
        }
        variables.push((CONTENT_TYPE.to_owned(), media_type.to_string()));
    }
    Ok((variables, to_data(event)?))
}

/// The data of an event by itself, empty if it has none.
///
/// # Errors
///
/// Text is given in UTF-8; if `datacontenttype` says that it is something else, that is an error.
pub fn to_data(event: &Event) -> Result<&[u8], Error> {
    match (&event.data, &event.datacontenttype) {
        (Some(Data::Text(text)), Some(media_type)) if !media_type.holds(text) => {
            Err(Error::Charset(Excerpt::quoted(media_type.as_str())))
        }
        (data, _) => Ok(data.as_ref().map_or(&[], Data::bytes)),
    }
}
