//! Manifests, which come with a function from whoever wrote it.

use std::time::Duration;

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_boot::units::check_memory;

use super::{EVENT_MODES, Settings};

/// Any text as a manifest: settings are such as an image can have, and errors lie in the text.
pub fn settings(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let settings = match Settings::from_manifest(text) {
        Ok(settings) => settings,
        Err(error) => {
            assert!((1..=text.lines().count() + 1).contains(&error.place.line), "{error}");
            return assert!(!error.why.to_string().is_empty());
        }
    };
    assert_eq!(check_memory(settings.memory_bytes), Ok(settings.memory_bytes));
    assert!(settings.stack_bytes.is_multiple_of(PAGE_BYTES) && settings.stack_bytes > 0);
    assert!(settings.timeout.is_none_or(|timeout| timeout >= Duration::from_millis(1)));
    assert!(settings.capabilities.is_empty());
    let modes = &settings.event_modes;
    assert!(!modes.is_empty() && modes.iter().all(|mode| EVENT_MODES.contains(&&**mode)));
    assert!((1..modes.len()).all(|index| !modes[..index].contains(&modes[index])));
}

#[cfg(test)]
mod tests {
    #[test]
    fn settings() {
        crate::replay::replay("settings", super::settings, 2000);
    }
}
