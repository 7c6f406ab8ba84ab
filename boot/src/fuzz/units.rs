//! Sizes and durations.

use std::time::Duration;

use ampoule_abi::layout::{LARGE_PAGE_BYTES, MAX_MEMORY_BYTES, MIN_MEMORY_BYTES};

use crate::units::{bytes, duration, parse_bytes, parse_memory, parse_timeout};

/// A size or a duration, as somebody wrote it.
pub fn units(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let size = parse_bytes(text);
    if let Ok(count) = size {
        assert_eq!(parse_bytes(&bytes(count)), Ok(count));
    }
    match parse_memory(text) {
        Ok(memory) => {
            assert_eq!(size, Ok(memory));
            assert!((MIN_MEMORY_BYTES..=MAX_MEMORY_BYTES).contains(&memory));
            assert!(memory.is_multiple_of(LARGE_PAGE_BYTES));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(time) = parse_timeout(text) {
        assert!(time >= Duration::from_millis(1));
        let below = Duration::from_nanos((time.subsec_nanos() % 1_000_000).into());
        assert_eq!(parse_timeout(&duration(time)), Ok(time - below));
    }
}
