//! How often the guest's processor came out of the guest, and whether that is more often than it may.

use std::time::{Duration, Instant};

use crate::outcome::Exits;
use crate::session::{Ending, Limit};

/// Exits after which the clock is looked at again.
const STEP: u64 = 64;

/// Counts exits.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) exits: Exits,
    per_second: Option<u32>,
    began: Instant,
}

impl Meter {
    /// None so far; the time begins.
    pub(super) fn new(per_second: Option<u32>) -> Self {
        Self { exits: Exits::default(), per_second, began: Instant::now() }
    }

    /// How the call ends, if there were too many. A guest may use up a whole second's at once.
    pub(super) fn ending(&self) -> Option<Ending> {
        let per_second = self.per_second?;
        let exits = self.exits.total();
        let is_due = exits.is_multiple_of(STEP) || exits > per_second.into();
        let is_over = is_due && is_too_many(exits, per_second, self.began.elapsed());
        is_over.then_some(Ending::Exceeded(Limit::Exits))
    }
}

fn is_too_many(exits: u64, per_second: u32, elapsed: Duration) -> bool {
    exits as f64 > f64::from(per_second) * elapsed.as_secs_f64().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_the_average_since_the_first_second() {
        let after = |exits, ms| is_too_many(exits, 100, Duration::from_millis(ms));
        assert!(!after(100, 0) && after(101, 0) && after(101, 999));
        assert!(!after(101, 1500) && !after(1000, 10_000) && after(1001, 10_000));
    }

    #[test]
    fn without_a_limit_there_are_never_too_many() {
        let mut meter = Meter::new(None);
        meter.exits.mmio = u64::MAX / 2;
        assert!(meter.ending().is_none());
        meter.per_second = Some(u32::MAX);
        assert!(matches!(meter.ending(), Some(Ending::Exceeded(Limit::Exits))));
    }
}
