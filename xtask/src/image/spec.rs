//! A function's settings: what `[package.metadata.fn]` of its manifest may say.

#[cfg(any(test, fuzzing))]
#[path = "spec/fuzz.rs"]
pub mod fuzz;

use std::time::Duration;

use ampoule_abi::layout;
use ampoule_boot::image::EVENT_MODES;
use ampoule_boot::units::{self, UnitError};
use toml::Spanned;

use crate::manifest::{Manifest, Misplaced, Setting};
use crate::nearest::suggestion;

const KEYS: [&str; 5] = ["memory", "stack", "timeout", "event-modes", "capabilities"];
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
    /// The manifest is not TOML.
    #[error("{0}")]
    NotToml(String),
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
        key: String,
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
        key: String,
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
    /// Reads the settings from the text of a package's manifest.
    pub fn from_manifest(text: &str) -> Result<Self, Misplaced<SettingsError>> {
        let manifest = Manifest::parse(text).map_err(|it| it.map(SettingsError::NotToml))?;
        let table = match manifest.value(&["package", "metadata", "fn"]) {
            None => return Ok(Self::default()),
            Some(value) => value.table().ok_or_else(|| value.wrong(SettingsError::NotATable))?,
        };
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.name())) {
            let suggestion = suggestion(key.name(), KEYS);
            let unknown = SettingsError::UnknownKey { key: key.name().into(), suggestion };
            return Err(key.wrong(unknown));
        }
        let mut settings = Self::default();
        if let Some(value) = table.get("memory") {
            settings.memory_bytes = quantity(&value, "a size such as \"16MiB\"", parse_memory)?;
        }
        if let Some(value) = table.get("stack") {
            settings.stack_bytes = quantity(&value, "a size such as \"256KiB\"", parse_stack)?;
        }
        if let Some(value) = table.get("timeout") {
            let timeout = quantity(&value, "a duration such as \"30s\"", parse_timeout)?;
            settings.timeout = Some(timeout);
        }
        if let Some(value) = table.get("event-modes") {
            settings.event_modes = names(&value, &EVENT_MODES)?;
            if settings.event_modes.is_empty() {
                return Err(value.wrong(SettingsError::NoEventModes));
            }
        }
        if let Some(value) = table.get("capabilities") {
            settings.capabilities = names(&value, &CAPABILITIES)?;
        }
        Ok(settings)
    }
}

/// Reads a setting that is written as a string.
fn quantity<T>(
    setting: &Setting<'_>,
    expected: &'static str,
    parse: fn(&str) -> Result<T, SettingsError>,
) -> Result<T, Misplaced<SettingsError>> {
    let text: String = setting.read().ok_or_else(|| wrong_type(setting, expected))?;
    parse(&text).map_err(|why| setting.wrong(why))
}

fn wrong_type(setting: &Setting<'_>, expected: &'static str) -> Misplaced<SettingsError> {
    let (key, value) = (setting.name().into(), setting.written());
    setting.wrong(SettingsError::WrongType { key, value, expected })
}

fn parse_memory(text: &str) -> Result<u64, SettingsError> {
    units::parse_memory(text).map_err(in_setting("memory"))
}

fn parse_timeout(text: &str) -> Result<Duration, SettingsError> {
    units::parse_timeout(text).map_err(in_setting("timeout"))
}

fn parse_stack(text: &str) -> Result<u64, SettingsError> {
    let bytes = units::parse_bytes(text).map_err(in_setting("stack"))?;
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

fn in_setting(key: &'static str) -> impl Fn(UnitError) -> SettingsError {
    move |why| SettingsError::Quantity { key, why }
}

fn names(setting: &Setting<'_>, known: &[&str]) -> Result<Vec<String>, Misplaced<SettingsError>> {
    let elements: Vec<Spanned<String>> =
        setting.read().ok_or_else(|| wrong_type(setting, "a list of strings"))?;
    let mut names: Vec<String> = Vec::new();
    for element in elements {
        let place = element.span();
        let name = element.into_inner();
        if !known.contains(&name.as_str()) {
            let unknown = SettingsError::UnknownName {
                key: setting.name().into(),
                suggestion: suggestion(&name, known.iter().copied()),
                value: name,
                known: match known {
                    [] => "there are none yet".into(),
                    _ => format!("known: {}", known.join(", ")),
                },
            };
            return Err(setting.wrong_at(place, unknown));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &str) -> Result<Settings, String> {
        let manifest = format!("[package]\nname = \"f\"\n\n[package.metadata.fn]\n{settings}");
        Settings::from_manifest(&manifest).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        assert_eq!(Settings::from_manifest("[package]\n"), Ok(Settings::default()));
        let others = "[package.metadata.docs]\nfn = 1\n[workspace.metadata.fn]\nmemory = 1\n";
        assert_eq!(Settings::from_manifest(others), Ok(Settings::default()));
        assert_eq!(read(""), Ok(Settings::default()));
    }

    #[test]
    fn every_key_is_read() {
        let settings = read(
            "memory = \"64MiB\"\nstack = '1MiB'\ntimeout = \"500ms\"\n\
             event-modes = [\"raw\", \"binary\", \"raw\"]\ncapabilities = []\n",
        );
        let expected = Settings {
            memory_bytes: 64 << 20,
            stack_bytes: 1 << 20,
            timeout: Some(Duration::from_millis(500)),
            event_modes: vec!["raw".into(), "binary".into()],
            capabilities: Vec::new(),
        };
        assert_eq!(settings, Ok(expected.clone()));
        let elsewhere = "package.metadata = { fn = { memory = \"64MiB\" } }";
        let memory_bytes = Settings::from_manifest(elsewhere).map(|it| it.memory_bytes);
        assert_eq!(memory_bytes, Ok(expected.memory_bytes));
    }

    #[test]
    fn an_error_names_the_place_the_key_the_value_and_the_remedy() {
        for (settings, expected) in [
            (
                "memroy = \"16MiB\"",
                "5:1: unknown key \"memroy\"; did you mean \"memory\"? (known: ",
            ),
            ("\n\n  mem = 1", "7:3: unknown key \"mem\"; did you mean \"memory\"?"),
            ("zzz = 1\naaa = 1", "5:1: unknown key \"zzz\" (known: memory, stack, "),
            ("memory = 16", "5:10: `memory` is 16, but must be a size such as \"16MiB\""),
            ("memory = \"3MiB\"", "5:10: `memory`: 3MiB is not a memory size"),
            ("memory = \"16MB\"", "such as 512KiB"),
            ("stack = \"5000B\"", "5:9: `stack` is 5000B, but must be a multiple of 4KiB"),
            ("timeout = [\n 1,\n]", "5:11: `timeout` is [ 1, ], but must be a duration"),
            ("event-modes = [\"raw\",\n  \"bynary\"]", "6:3: `event-modes` names \"bynary\""),
            ("event-modes = [\"é\", \"raw\", 7]", "a list of strings"),
            ("event-modes = []", "5:15: `event-modes` is empty, so the function could never"),
            ("capabilities = [\"net\"]", "5:17: `capabilities` names \"net\", which is not known"),
            ("memory = ", "5:10: "),
        ] {
            let error = read(settings).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let error = Settings::from_manifest("package.metadata.fn = []").expect_err("a list");
        assert!(error.to_string().starts_with("1:23: `metadata.fn` is not a table"), "{error}");
    }
}
