//! A function's settings: what `[package.metadata.fn]` of its manifest may say.

use std::time::Duration;

use ampoule_abi::layout;
use ampoule_boot::units::{self, UnitError};
use serde_json::{Map, Value};

use crate::nearest::suggestion;

const KEYS: [&str; 5] = ["memory", "stack", "timeout", "event-modes", "capabilities"];
const EVENT_MODES: [&str; 4] = ["raw", "binary", "structured", "batched"];
/// Capabilities that a function may ask for; the contract grants none yet.
const CAPABILITIES: [&str; 0] = [];

const DEFAULT_MEMORY_BYTES: u64 = 16 << 20;
const DEFAULT_STACK_BYTES: u64 = 256 << 10;
const MIN_STACK_BYTES: u64 = 16 << 10;
const MAX_STACK_BYTES: u64 = 512 << 20;

/// A function's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Guest memory wanted, in bytes.
    pub memory_bytes: u64,
    /// Stack, in bytes.
    pub stack_bytes: u64,
    /// Deadline when the caller names none.
    pub timeout: Option<Duration>,
    /// Event modes taken.
    pub event_modes: Vec<String>,
    /// Capabilities asked for.
    pub capabilities: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_bytes: DEFAULT_MEMORY_BYTES,
            stack_bytes: DEFAULT_STACK_BYTES,
            timeout: None,
            event_modes: vec!["raw".into()],
            capabilities: Vec::new(),
        }
    }
}

/// What is wrong with a function's settings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The settings are not a table.
    #[error("`metadata.fn` is not a table; write [package.metadata.fn] and settings below it")]
    NotATable,
    /// A key that is not known.
    #[error("unknown key {key:?}{suggestion} (known: {})", KEYS.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
        /// What it was probably meant to be.
        suggestion: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` is {value}, but must be {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
        /// What must stand there, by example.
        expected: &'static str,
    },
    /// A size or duration that cannot be read.
    #[error("`{key}`: {why}")]
    Quantity {
        /// The key.
        key: &'static str,
        /// What is wrong.
        why: UnitError,
    },
    /// A stack that no image can have.
    #[error("`stack` is {given}, but must be {}", stack_sizes())]
    Stack {
        /// What stood there.
        given: String,
    },
    /// An element of a list that is not known.
    #[error("`{key}` names {value:?}, which is not known{suggestion} ({known})")]
    UnknownName {
        /// The key.
        key: &'static str,
        /// The element.
        value: String,
        /// What it was probably meant to be.
        suggestion: String,
        /// What there is.
        known: String,
    },
    /// An empty list of event modes.
    #[error(
        "`event-modes` is empty, so the function could never be called; leave it out for [\"raw\"]"
    )]
    NoEventModes,
}

impl Settings {
    /// Reads the settings from a package's whole `metadata` table.
    pub fn from_metadata(metadata: &Value) -> Result<Self, SettingsError> {
        let table = match metadata.get("fn") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(table)) => table,
            Some(_) => return Err(SettingsError::NotATable),
        };
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(SettingsError::UnknownKey {
                key: key.clone(),
                suggestion: suggestion(key, KEYS),
            });
        }
        let mut settings = Self::default();
        if let Some(text) = string(table, "memory", "a size such as \"16MiB\"")? {
            settings.memory_bytes = units::parse_memory(text).map_err(quantity("memory"))?;
        }
        if let Some(text) = string(table, "stack", "a size such as \"256KiB\"")? {
            settings.stack_bytes = parse_stack(text)?;
        }
        if let Some(text) = string(table, "timeout", "a duration such as \"30s\"")? {
            settings.timeout = Some(units::parse_timeout(text).map_err(quantity("timeout"))?);
        }
        if let Some(modes) = names(table, "event-modes", &EVENT_MODES)? {
            if modes.is_empty() {
                return Err(SettingsError::NoEventModes);
            }
            settings.event_modes = modes;
        }
        if let Some(capabilities) = names(table, "capabilities", &CAPABILITIES)? {
            settings.capabilities = capabilities;
        }
        Ok(settings)
    }
}

fn string<'a>(
    table: &'a Map<String, Value>,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<&'a str>, SettingsError> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value) => Err(SettingsError::WrongType { key, value: value.to_string(), expected }),
    }
}

fn parse_stack(text: &str) -> Result<u64, SettingsError> {
    let bytes = units::parse_bytes(text).map_err(quantity("stack"))?;
    let whole = bytes.is_multiple_of(layout::PAGE_BYTES);
    if whole && (MIN_STACK_BYTES..=MAX_STACK_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(SettingsError::Stack { given: text.into() })
    }
}

fn stack_sizes() -> String {
    let [page, least, most] =
        [layout::PAGE_BYTES, MIN_STACK_BYTES, MAX_STACK_BYTES].map(units::bytes);
    format!("a multiple of {page} from {least} to {most}")
}

fn quantity(key: &'static str) -> impl Fn(UnitError) -> SettingsError {
    move |why| SettingsError::Quantity { key, why }
}

fn names(
    table: &Map<String, Value>,
    key: &'static str,
    known: &[&str],
) -> Result<Option<Vec<String>>, SettingsError> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let wrong = || SettingsError::WrongType {
        key,
        value: value.to_string(),
        expected: "a list of strings",
    };
    let mut names: Vec<String> = Vec::new();
    for element in value.as_array().ok_or_else(wrong)? {
        let name = element.as_str().ok_or_else(wrong)?;
        if !known.contains(&name) {
            return Err(SettingsError::UnknownName {
                key,
                value: name.into(),
                suggestion: suggestion(name, known.iter().copied()),
                known: match known {
                    [] => "there are none yet".into(),
                    _ => format!("known: {}", known.join(", ")),
                },
            });
        }
        if !names.iter().any(|earlier| earlier == name) {
            names.push(name.into());
        }
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(settings: Value) -> Result<Settings, String> {
        Settings::from_metadata(&json!({ "fn": settings })).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        assert_eq!(Settings::from_metadata(&Value::Null), Ok(Settings::default()));
        assert_eq!(read(json!({})), Ok(Settings::default()));
    }

    #[test]
    fn every_key_is_read() {
        let settings = read(json!({
            "memory": "64MiB", "stack": "1MiB", "timeout": "500ms",
            "event-modes": ["raw", "binary"], "capabilities": [],
        }));
        let expected = Settings {
            memory_bytes: 64 << 20,
            stack_bytes: 1 << 20,
            timeout: Some(Duration::from_millis(500)),
            event_modes: vec!["raw".into(), "binary".into()],
            capabilities: Vec::new(),
        };
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn an_error_names_the_key_the_value_and_the_remedy() {
        for (settings, expected) in [
            (json!({ "memmory": "16MiB" }), "did you mean \"memory\"?"),
            (json!({ "memory": 16 }), "`memory` is 16, but must be a size such as"),
            (json!({ "memory": "3MiB" }), "the nearest is 4MiB"),
            (json!({ "memory": "16MB" }), "such as 512KiB"),
            (json!({ "stack": "5000B" }), "`stack` is 5000B, but must be a multiple of 4KiB"),
            (json!({ "event-modes": ["bynary"] }), "did you mean \"binary\"?"),
            (json!({ "event-modes": [] }), "could never be called"),
            (json!({ "capabilities": ["net"] }), "\"net\", which is not known"),
            (json!([]), "not a table"),
        ] {
            let error = read(settings).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
