//! The names of attributes (CloudEvents 1.0.2, Attribute Naming Convention).

use alloc::{borrow::ToOwned, string::String};
use core::fmt;

use crate::error::Invalid;

const SECTION: &str = "CloudEvents 1.0.2, Attribute Naming Convention";

/// What extensions are never called: the core attributes, and what the JSON format calls the data.
const RESERVED: [&str; 9] = [
    "id",
    "source",
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "subject",
    "time",
    "data",
];

/// The name of an extension: lower-case letters and digits of ASCII, and not that of a core attribute.
///
/// The specification advises at most 20 characters; longer ones are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Takes a name, or says what is wrong with it.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        check(name)?;
        if RESERVED.contains(&name) {
            return Err(Invalid::new(name, "a name that is free for an extension", SECTION));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Whether `name` is one that an attribute, core or extension, can have.
pub(crate) fn check(name: &str) -> Result<(), Invalid> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(is_allowed) {
        return Err(Invalid::new(name, "made of lower-case letters and digits of ASCII", SECTION));
    }
    Ok(())
}
