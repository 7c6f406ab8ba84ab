//! Dates: seconds since the epoch to and from ISO 8601 in UTC.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jaq_core::native::{bome, v};
use jaq_core::{Error, ValR};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::Native;

const DAY_SECONDS: i64 = 86_400;

pub fn natives() -> Box<[Native]> {
    Box::new([
        ("todateiso8601", v(0), |cv| bome(show(&cv.1))),
        ("fromdateiso8601", v(0), |cv| bome(read(&cv.1))),
    ])
}

fn show(value: &Val) -> ValR<Val> {
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < 1e14);
    let seconds =
        seconds.ok_or_else(|| Error::str("strftime/1 requires parsed datetime inputs"))?;
    let seconds = libm::floor(seconds) as i64;
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Ok(Val::from(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")))
}

fn read(value: &Val) -> ValR<Val> {
    let text = String::from_utf8_lossy(value.try_as_utf8_bytes()?);
    let problem =
        || Error::str(format!("date \"{text}\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""));
    let seconds = parse(&text).ok_or_else(problem)?;
    Ok(Val::from(seconds as isize))
}

fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let good = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && year < 1_000_000;
    good.then(|| days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts = text.split(separator).map(|part| part.parse::<u32>().ok().map(i64::from));
    parts.collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// Days since the epoch, by the proleptic Gregorian calendar: years begin in March, so that the
/// leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since the epoch.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-800_000..800_000).step_by(37) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
    }

    #[test]
    fn texts() {
        assert_eq!(parse("2015-03-05T23:51:47Z"), Some(1_425_599_507));
        assert_eq!(parse("2015-13-05T23:51:47Z"), None);
        assert_eq!(parse("2015-03-05"), None);
    }
}
