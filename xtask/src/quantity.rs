//! Sizes and durations as people write them in a manifest: `16MiB`, `30s`.

use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 4] =
    [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const DURATION_UNITS: [(&str, u64); 4] =
    [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000)];

/// Why a text is not a quantity.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text has no unit, or one that is not known.
    #[error("{text:?} is not a {what}; write a whole number and one of the units {units}")]
    Malformed {
        /// What stood there.
        text: String,
        /// What was expected.
        what: &'static str,
        /// The units to choose from.
        units: String,
    },
    /// The number is too large to count in the smallest unit.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// Reads a size such as `16MiB`, in bytes.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    parse(text, "size", &SIZE_UNITS)
}

/// Reads a duration such as `500ms`.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    parse(text, "duration", &DURATION_UNITS).map(Duration::from_millis)
}

fn parse(text: &str, what: &'static str, units: &[(&str, u64)]) -> Result<u64, QuantityError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let scale = units.iter().find(|(name, _)| *name == unit).map(|&(_, scale)| scale);
    let Some(scale) = scale.filter(|_| digits > 0) else {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        return Err(QuantityError::Malformed { text: text.into(), what, units: names.join(", ") });
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale))
        .ok_or_else(|| QuantityError::TooLarge(text.into()))
}

/// Writes a size in the largest unit that leaves no remainder: `16 MiB`, `1234 B`.
pub fn exact_size(bytes: u64) -> String {
    let fits = |&&(_, scale): &&(&str, u64)| bytes >= scale && bytes.is_multiple_of(scale);
    let (unit, scale) = SIZE_UNITS.iter().find(fits).unwrap_or(&("B", 1));
    format!("{} {unit}", bytes / scale)
}

/// Writes a size for reading at a glance: `37.2 KiB`.
pub fn short_size(bytes: u64) -> String {
    let (unit, scale) = SIZE_UNITS.iter().find(|&&(_, scale)| bytes >= scale).unwrap_or(&("B", 1));
    if *scale == 1 {
        return format!("{bytes} B");
    }
    format!("{:.1} {unit}", bytes as f64 / *scale as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_with_their_units() {
        assert_eq!(parse_size("16MiB"), Ok(16 << 20));
        assert_eq!(parse_size("256 KiB"), Ok(256 << 10));
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("2min"), Ok(Duration::from_secs(120)));
    }

    #[test]
    fn a_bare_number_or_a_foreign_unit_is_refused_with_the_units() {
        for text in ["16", "MiB", "", "16MB", "-1MiB", "1.5GiB"] {
            let message = parse_size(text).expect_err(text).to_string();
            assert!(message.contains("GiB, MiB, KiB, B"), "{message}");
        }
        assert_eq!(
            parse_size("99999999999999GiB"),
            Err(QuantityError::TooLarge("99999999999999GiB".into()))
        );
    }

    #[test]
    fn sizes_are_written_as_people_read_them() {
        assert_eq!(exact_size(16 << 20), "16 MiB");
        assert_eq!(exact_size(4097), "4097 B");
        assert_eq!(short_size(38_093), "37.2 KiB");
        assert_eq!(short_size(0), "0 B");
    }
}
