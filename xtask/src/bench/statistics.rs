//! Percentiles.

use std::time::Duration;

use serde::Serialize;

/// Median and tail of some times, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half of the times are at most this.
    pub p50: u64,
    /// Nine tenths are.
    pub p90: u64,
    /// Ninety-nine hundredths are.
    pub p99: u64,
}

impl Percentiles {
    /// Sums up `times`, by the nearest rank; `None` if there are none.
    pub fn of(times: &[Duration]) -> Option<Self> {
        let mut sorted: Vec<u64> = times.iter().map(|time| time.as_micros() as u64).collect();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied()
        };
        Some(Self { p50: rank(50)?, p90: rank(90)?, p99: rank(99)? })
    }
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
}
