//! Sizes and durations as people write them: `16MiB`, `500ms`.

use std::time::Duration;

use ampoule_abi::layout::{LARGE_PAGE_BYTES, MAX_MEMORY_BYTES, MIN_MEMORY_BYTES};

/// Why a size or a duration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number followed by a unit.
    #[error("`{0}` is not a size: write a whole number and a unit, such as 512KiB, 16MiB or 1GiB")]
    Size(String),
    /// Too large to count in bytes.
    #[error("`{0}` is more bytes than 64 bits can count")]
    Overflow(String),
    /// Not an amount of memory that a guest can have.
    #[error(
        "{} is not a memory size: it must be a multiple of 2MiB from {} to {}; the nearest is {}",
        bytes(*.0), bytes(MIN_MEMORY_BYTES), bytes(MAX_MEMORY_BYTES), bytes(nearest_memory(*.0))
    )]
    Memory(u64),
    /// Not a duration.
    #[error("`{0}` is not a duration: write a number and a unit, such as 500ms, 2s or 1m30s")]
    Duration(String),
    /// A limit that would be reached before anything can run.
    #[error("`{0}` leaves no time to run: give at least 1ms, or no limit at all")]
    NoTime(String),
}

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a size with a binary unit (`B`, `KiB`, `MiB`, `GiB`, in any case), in bytes.
///
/// Decimal units and bare numbers are refused rather than guessed at.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let malformed = || UnitError::Size(text.to_owned());
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let (_, factor) =
        UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(malformed)?;
    if number.is_empty() {
        return Err(malformed());
    }
    let overflow = || UnitError::Overflow(text.to_owned());
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).ok_or_else(overflow)
}

/// Reads a guest's memory size, in bytes: a multiple of 2 MiB within the contract's bounds.
pub fn parse_memory(text: &str) -> Result<u64, UnitError> {
    check_memory(parse_bytes(text)?)
}

/// Checks that a guest can have `memory_bytes`, and returns it.
pub fn check_memory(memory_bytes: u64) -> Result<u64, UnitError> {
    match nearest_memory(memory_bytes) == memory_bytes {
        true => Ok(memory_bytes),
        false => Err(UnitError::Memory(memory_bytes)),
    }
}

/// The memory size a guest can have that is nearest to `memory_bytes`; of two, the larger.
pub fn nearest_memory(memory_bytes: u64) -> u64 {
    let pages = memory_bytes.saturating_add(LARGE_PAGE_BYTES / 2) / LARGE_PAGE_BYTES;
    (pages * LARGE_PAGE_BYTES).clamp(MIN_MEMORY_BYTES, MAX_MEMORY_BYTES)
}

/// Reads a deadline, such as `500ms` or `1m30s`.
pub fn parse_timeout(text: &str) -> Result<Duration, UnitError> {
    let duration =
        humantime::parse_duration(text).map_err(|_| UnitError::Duration(text.to_owned()))?;
    match duration < Duration::from_millis(1) {
        true => Err(UnitError::NoTime(text.to_owned())),
        false => Ok(duration),
    }
}

/// Writes a size with the largest unit that divides it.
pub fn bytes(count: u64) -> String {
    let (name, factor) = UNITS
        .iter()
        .find(|(_, factor)| count >= *factor && count.is_multiple_of(*factor))
        .unwrap_or(&("B", 1));
    format!("{}{name}", count / factor)
}

/// A duration in whole milliseconds, as far as 64 bits can count them.
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Writes a duration to the millisecond.
pub fn duration(time: Duration) -> String {
    let whole = Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000);
    humantime::format_duration(whole).to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_need_a_binary_unit() {
        assert_eq!(parse_bytes("4MiB"), Ok(4 << 20));
        assert_eq!(parse_bytes("64 kib"), Ok(64 << 10));
        for bad in ["", "4", "MiB", "4MB", "-4MiB", "4.5MiB", "4MiBs", "４MiB"] {
            assert_eq!(parse_bytes(bad), Err(UnitError::Size(bad.to_owned())), "{bad}");
        }
        assert!(matches!(parse_bytes("99999999999GiB"), Err(UnitError::Overflow(_))));
    }

    #[test]
    fn memory_that_does_not_fit_names_the_nearest_that_does() {
        assert_eq!(parse_memory("16MiB"), Ok(16 << 20));
        let message = |text| parse_memory(text).expect_err("refused").to_string();
        assert!(message("5MiB").ends_with("the nearest is 6MiB"), "{}", message("5MiB"));
        assert!(message("1MiB").ends_with("the nearest is 4MiB"));
        assert!(message("3GiB").ends_with("the nearest is 2GiB"));
    }

    #[test]
    fn durations_are_read_and_written() {
        assert_eq!(parse_timeout("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration(Duration::from_millis(90_500)), "1m30s500ms");
        assert_eq!((milliseconds(Duration::MAX), milliseconds(Duration::ZERO)), (u64::MAX, 0));
        let long = Duration::from_secs(u64::MAX);
        assert_eq!(
            parse_timeout(&duration(long)),
            Ok(long),
            "more milliseconds than 64 bits count"
        );
        assert_eq!(parse_timeout("0s"), Err(UnitError::NoTime("0s".to_owned())));
        assert!(parse_timeout("5").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_refused(text: String) {
            let _ = parse_memory(&text);
            let _ = parse_timeout(&text);
        }

        #[test]
        fn what_is_written_reads_back(count: u64) {
            prop_assert_eq!(parse_bytes(&bytes(count)), Ok(count));
        }

        #[test]
        fn the_nearest_memory_is_valid(count: u64) {
            prop_assert!(check_memory(nearest_memory(count)).is_ok());
        }
    }
}
