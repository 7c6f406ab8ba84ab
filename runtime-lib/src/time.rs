//! Wall clock and monotonic clock (SPEC C4).

use core::ops::Sub;
pub use core::time::Duration;

use crate::platform;

/// Time since the UNIX epoch: the launcher's clock at the start of the call, carried on by the
/// monotonic one.
pub fn wall_clock() -> Duration {
    platform::wall_clock()
}

/// A moment on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// This moment.
    pub fn now() -> Self {
        Self(platform::monotonic())
    }

    /// Time that has passed since.
    pub fn elapsed(self) -> Duration {
        Self::now() - self
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Time from `earlier` to `self`, zero if it is the later one.
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let start = Instant::now();
        let moments: Vec<_> = (0..1000).map(|_| Instant::now()).collect();
        assert!(moments.is_sorted());
        assert!(start.elapsed() < Duration::from_secs(3600));
    }
}
