//! Days of the Gregorian calendar, counted from the Unix epoch.
//!
//! Years here begin in March, so that the odd day is a year's last; 400 of them are an era, which
//! repeats (after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").

const DAYS_PER_ERA: i64 = 146_097;
/// Days from the 1st of March of the year 0 to the epoch.
const EPOCH_DAY: i64 = 719_468;

/// Days since the epoch of a date of which the month is 1 to 12.
pub(crate) fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * DAYS_PER_ERA + day_of_era - EPOCH_DAY
}

/// Year, month and day that many days after the epoch.
pub(crate) fn date_from_epoch(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAY;
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + days.div_euclid(DAYS_PER_ERA) * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// Number of days of a month.
pub(crate) fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_10_000_years_follows_the_day_before() {
        let mut days = days_from_epoch(0, 1, 1);
        for year in 0..10_000 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month) {
                    assert_eq!(days_from_epoch(year, month, day), days);
                    assert_eq!(date_from_epoch(days), (year, month, day));
                    days += 1;
                }
            }
        }
        assert_eq!(date_from_epoch(0), (1970, 1, 1));
        assert_eq!(days, days_from_epoch(10_000, 1, 1));
    }
}
