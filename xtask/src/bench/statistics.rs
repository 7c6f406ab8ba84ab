//! Percentiles.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Median and tail of some times, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Percentiles {
    /// Half of the times are at most this.
    pub p50: u64,
    /// Nine tenths are.
    pub p90: u64,
    /// Ninety-nine hundredths are.
    pub p99: u64,
}

/// Median, tail and end of some amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Half of the amounts are at most this.
    pub p50: u64,
    /// Nine tenths are.
    pub p90: u64,
    /// All are.
    pub max: u64,
}

impl Percentiles {
    /// Sums up `times`; `None` if there are none.
    pub fn of(times: &[Duration]) -> Option<Self> {
        let mut sorted: Vec<u64> = times.iter().map(|time| time.as_micros() as u64).collect();
        sorted.sort_unstable();
        Some(Self { p50: rank(&sorted, 50)?, p90: rank(&sorted, 90)?, p99: rank(&sorted, 99)? })
    }
}

impl Spread {
    /// Sums up `amounts`; `None` if there are none.
    pub fn of(amounts: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut sorted: Vec<u64> = amounts.into_iter().collect();
        sorted.sort_unstable();
        Some(Self { p50: rank(&sorted, 50)?, p90: rank(&sorted, 90)?, max: *sorted.last()? })
    }
}

/// The middle one of `values`; of two, the lower. `None` if there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    rank(&sorted, 50)
}

/// The nearest rank.
fn rank<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let times: Vec<_> = (1..=200).rev().map(Duration::from_micros).collect();
        let found = Percentiles::of(&times);
        assert_eq!(found, Some(Percentiles { p50: 100, p90: 180, p99: 198 }));
        let one = Percentiles::of(&[Duration::from_micros(7)]);
        assert_eq!(one, Some(Percentiles { p50: 7, p90: 7, p99: 7 }));
        assert_eq!(Percentiles::of(&[]), None);
    }

    #[test]
    fn the_largest_amount_is_told() {
        assert_eq!(Spread::of([3, 1, 2]), Some(Spread { p50: 2, p90: 3, max: 3 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
