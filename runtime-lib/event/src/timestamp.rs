//! Instants, read and written as RFC 3339.
//!
//! An instant is kept, not its spelling: neither the offset from UTC nor the number of digits of a
//! fraction means anything in CloudEvents, and Protobuf carries neither, so that an event is the same
//! after any way through the formats. What is written is in UTC, with 0, 3, 6 or 9 digits.

use core::fmt;
use core::str::FromStr;

use crate::calendar;
use crate::error::Invalid;

const EXPECTED: &str = "an RFC 3339 timestamp like 2018-04-05T17:31:00Z";
const SECTION: &str = "CloudEvents 1.0.2, Type System; RFC 3339, 5.6";

/// `0001-01-01T00:00:00Z`, in seconds of the Unix epoch: where google.protobuf.Timestamp begins.
const FIRST_SECOND: i64 = -62_135_596_800;
/// `9999-12-31T23:59:59Z`: the last that RFC 3339 and google.protobuf.Timestamp have.
const LAST_SECOND: i64 = 253_402_300_799;

const SECONDS_PER_DAY: i64 = 86_400;

/// An instant from the year 1 to the year 9999, to the nanosecond.
///
/// A leap second, `23:59:60`, is the first second after it, as in Unix time. Digits beyond nanoseconds
/// are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    /// An instant by the seconds since the Unix epoch and the nanoseconds since that second; `None`
    /// outside of the years 1 to 9999, or from 1,000,000,000 nanoseconds on.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Option<Self> {
        let is_valid =
            (FIRST_SECOND..=LAST_SECOND).contains(&seconds) && nanoseconds < 1_000_000_000;
        is_valid.then_some(Self { seconds, nanoseconds })
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since that second, less than 1,000,000,000.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text.as_bytes()).ok_or_else(|| Invalid::new(text, EXPECTED, SECTION))
    }
}

/// `date-time` of RFC 3339, 5.6.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    expect(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    expect(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    expect(&mut rest, b"Tt")?;
    let hour = number(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let minute = number(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let second = number(&mut rest, 2)?;
    let nanoseconds = fraction(&mut rest)?;
    let offset_minutes = offset(&mut rest)?;
    let is_date = (1..=12).contains(&month) && (1..=calendar::days_of(year, month)).contains(&day);
    if !rest.is_empty() || !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_day = hour * 3600 + minute * 60 + second - offset_minutes * 60;
    let seconds = calendar::days_from_epoch(year, month, day) * SECONDS_PER_DAY + of_day;
    if second == 60 && !is_after_leap_second(seconds) {
        return None;
    }
    Timestamp::from_unix(seconds, nanoseconds)
}

/// Whether this second is the first of a month: only a month's last minute has a leap second
/// (RFC 3339, 5.7).
fn is_after_leap_second(seconds: i64) -> bool {
    let (_, _, day) = calendar::date_from_epoch(seconds.div_euclid(SECONDS_PER_DAY));
    seconds.rem_euclid(SECONDS_PER_DAY) == 0 && day == 1
}

/// Takes a number of exactly `digits` digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (taken, after) = rest.split_at_checked(digits)?;
    *rest = after;
    taken.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// Takes one byte out of `choices`.
fn expect(rest: &mut &[u8], choices: &[u8]) -> Option<u8> {
    let (&byte, after) = rest.split_first()?;
    *rest = after;
    choices.contains(&byte).then_some(byte)
}

/// Takes a fraction of a second, if there is one, in nanoseconds.
fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let Some(after) = rest.strip_prefix(b".") else { return Some(0) };
    let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = after.split_at(length);
    *rest = after;
    let digit_at = |index| digits.get(index).map_or(0, |byte| u32::from(byte - b'0'));
    (length > 0).then(|| (0..9).fold(0, |number, index| number * 10 + digit_at(index)))
}

/// Takes an offset from UTC, in minutes.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match expect(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2)?;
    expect(rest, b":")?;
    let minutes = number(rest, 2)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) =
            calendar::date_from_epoch(self.seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.nanoseconds {
            0 => f.write_str("Z"),
            whole if whole % 1_000_000 == 0 => write!(f, ".{:03}Z", whole / 1_000_000),
            whole if whole % 1000 == 0 => write!(f, ".{:06}Z", whole / 1000),
            whole => write!(f, ".{whole:09}Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn parsed(text: &str) -> Option<(i64, u32)> {
        let timestamp: Timestamp = text.parse().ok()?;
        Some((timestamp.unix_seconds(), timestamp.nanoseconds()))
    }

    #[test]
    fn the_examples_of_rfc_3339_are_read() {
        assert_eq!(parsed("1985-04-12T23:20:50.52Z"), Some((482_196_050, 520_000_000)));
        assert_eq!(parsed("1996-12-19T16:39:57-08:00"), Some((851_042_397, 0)));
        assert_eq!(parsed("1990-12-31T23:59:60Z"), Some((662_688_000, 0)));
        assert_eq!(parsed("1990-12-31T15:59:60-08:00"), Some((662_688_000, 0)));
        assert_eq!(parsed("1937-01-01T12:00:27.87+00:20"), Some((-1_041_337_173, 870_000_000)));
    }

    #[test]
    fn an_instant_has_many_spellings_and_one_is_written() {
        let spellings = [
            "2018-04-05T17:31:00Z",
            "2018-04-05t17:31:00z",
            "2018-04-05T17:31:00.000000000Z",
            "2018-04-05T17:31:00.0000000009Z",
            "2018-04-05T18:31:00+01:00",
            "2018-04-05T16:31:00-01:00",
            "2018-04-05T17:31:00-00:00",
            "2018-04-06T17:30:00+23:59",
        ];
        for spelling in spellings {
            let timestamp: Timestamp = spelling.parse().expect(spelling);
            assert_eq!(timestamp.to_string(), "2018-04-05T17:31:00Z", "{spelling}");
        }
    }

    #[test]
    fn a_fraction_is_written_in_groups_of_three_digits() {
        let cases = [
            ("2000-01-01T00:00:00.5Z", "2000-01-01T00:00:00.500Z"),
            ("2000-01-01T00:00:00.0005Z", "2000-01-01T00:00:00.000500Z"),
            ("2000-01-01T00:00:00.000000001Z", "2000-01-01T00:00:00.000000001Z"),
        ];
        for (spelling, written) in cases {
            let timestamp: Timestamp = spelling.parse().expect(spelling);
            assert_eq!(timestamp.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        let texts = [
            "",
            "yesterday",
            "2018-04-05",
            "2018-04-05T17:31Z",
            "2018-04-05T17:31:00",
            "2018-04-05T17:31:00X",
            "2018-04-05 17:31:00Z",
            "2018-04-05T17:31:00.Z",
            "2018-04-05T17:31:00,5Z",
            "2018-04-05T17:31:00Z ",
            " 2018-04-05T17:31:00Z",
            "2018-04-05T17:31:00+05",
            "2018-04-05T17:31:00+0500",
            "2018-04-05T17:31:00+24:00",
            "2018-04-05T17:31:00+05:60",
            "2018-04-05T24:00:00Z",
            "2018-04-05T17:60:00Z",
            "2018-04-05T17:31:61Z",
            "2018-04-05T17:31:60Z",
            "2018-04-05T23:59:60Z",
            "2018-13-05T17:31:00Z",
            "2018-00-05T17:31:00Z",
            "2018-04-31T17:31:00Z",
            "2018-04-00T17:31:00Z",
            "2019-02-29T17:31:00Z",
            "1900-02-29T17:31:00Z",
            "+2018-04-05T17:31:00Z",
            "02018-04-05T17:31:00Z",
            "2018-04-05T1\u{661}:31:00Z",
            "0000-12-31T23:59:59Z",
            "9999-12-31T23:59:59-00:01",
        ];
        for text in texts {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_read_and_written() {
        for (spelling, seconds) in
            [("0001-01-01T00:00:00Z", FIRST_SECOND), ("9999-12-31T23:59:59Z", LAST_SECOND)]
        {
            assert_eq!(parsed(spelling), Some((seconds, 0)));
            let timestamp = Timestamp::from_unix(seconds, 0).expect("in range");
            assert_eq!(timestamp.to_string(), spelling);
        }
        assert_eq!(Timestamp::from_unix(FIRST_SECOND - 1, 0), None);
        assert_eq!(Timestamp::from_unix(LAST_SECOND + 1, 0), None);
        assert_eq!(Timestamp::from_unix(0, 1_000_000_000), None);
    }
}
