//! URIs by RFC 3986: the two productions of it that attributes have as types.

use alloc::{borrow::ToOwned, string::String};
use core::fmt;
use core::str::FromStr;

use iri_string::types::{UriAbsoluteStr, UriReferenceStr};

use crate::error::Invalid;

/// An absolute URI: with a scheme, without a fragment (RFC 3986, 4.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri(String);

/// A URI or a reference relative to one (RFC 3986, 4.1); it may be empty, an event's `source` not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UriReference(String);

impl FromStr for Uri {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match UriAbsoluteStr::new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(Invalid::new(
                text,
                "an absolute URI, with a scheme and without a fragment",
                "CloudEvents 1.0.2, Type System; RFC 3986, 4.3",
            )),
        }
    }
}

impl FromStr for UriReference {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match UriReferenceStr::new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(Invalid::new(
                text,
                "a URI-reference",
                "CloudEvents 1.0.2, Type System; RFC 3986, 4.1",
            )),
        }
    }
}

impl Uri {
    /// The URI as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UriReference {
    /// The reference as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UriReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
