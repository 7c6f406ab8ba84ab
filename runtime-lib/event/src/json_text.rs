//! JSON values that stay text, so that nothing of them is lost and no tree is built.

use alloc::string::String;

/// A JSON value as text. Two are equal if they differ in nothing but space between tokens.
///
/// Without the feature `json` there is none.
#[derive(Clone, Debug)]
pub struct JsonText(String);

impl JsonText {
    /// Takes the text of one JSON value (RFC 8259), or says where it is none.
    #[cfg(feature = "json")]
    pub fn new(text: &str) -> Result<Self, crate::Error> {
        match serde_json::from_str::<&serde_json::value::RawValue>(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(crate::json::syntax(&error)),
        }
    }

    /// What `serde` makes of a value.
    #[cfg(feature = "json")]
    pub fn of(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self)
    }

    /// Takes the text of a JSON value, or gives it back.
    pub(crate) fn try_from_string(text: String) -> Result<Self, String> {
        #[cfg(feature = "json")]
        if serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok() {
            return Ok(Self(text));
        }
        Err(text)
    }

    /// Takes what has been read as a JSON value already.
    #[cfg(feature = "json")]
    pub(crate) fn from_raw(value: &serde_json::value::RawValue) -> Self {
        Self(value.get().into())
    }

    /// The value's text, as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value's text, as it was spelled.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The value's text without space between tokens, run by run: together one line.
    pub fn compact(&self) -> impl Iterator<Item = &str> {
        let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let mut rest = self.0.as_str();
        core::iter::from_fn(move || {
            rest = rest.trim_ascii_start();
            let (mut is_string, mut is_escaped) = (false, false);
            let end = rest.bytes().position(|byte| {
                let ends_run = !is_string && is_space(byte);
                is_string ^= byte == b'"' && !is_escaped;
                is_escaped = is_string && byte == b'\\' && !is_escaped;
                ends_run
            });
            let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind;
            (!run.is_empty()).then_some(run)
        })
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.compact().flat_map(str::bytes).eq(other.compact().flat_map(str::bytes))
    }
}

impl Eq for JsonText {}
