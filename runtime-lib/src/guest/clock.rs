//! Clocks: the launcher's wall clock at the start, carried on by the time stamp counter.

use core::time::Duration;

use ampoule_abi::start::Start;

use super::arch::{lapic_timer_ns, lapic_timer_start, time_stamp};
use super::single::Single;
use super::start;

static CLOCK: Single<Clock> = Single::new(Clock { started: 0, frequency_hz: None });

/// Time for which the counter is measured when the launcher does not know its frequency: the
/// reading of the reference takes some 30 µs where that is slowest, 0.3 % of this.
const MEASURED_NS: u32 = 10_000_000;

struct Clock {
    started: u64,
    frequency_hz: Option<u64>,
}

/// Starts the clocks; as near to the making of the message as may be.
pub fn set(start: &Start<'_>) {
    CLOCK.with(|clock| {
        *clock = Clock { started: time_stamp(), frequency_hz: start.tsc_hz };
    });
}

/// Time since the start of the call.
pub fn monotonic() -> Duration {
    CLOCK.with(|clock| {
        let frequency_hz = *clock.frequency_hz.get_or_insert_with(measure);
        let ticks = u128::from(time_stamp().saturating_sub(clock.started));
        Duration::from_nanos((ticks * 1_000_000_000 / u128::from(frequency_hz)) as u64)
    })
}

/// Time since the UNIX epoch.
pub fn wall_clock() -> Duration {
    Duration::from_nanos(start::message().wall_clock_ns) + monotonic()
}

/// Ticks per second, by the local APIC's timer.
fn measure() -> u64 {
    lapic_timer_start();
    let (first_ns, first) = (lapic_timer_ns(), time_stamp());
    loop {
        let (last_ns, last) = (lapic_timer_ns(), time_stamp());
        let ns = last_ns.wrapping_sub(first_ns);
        if ns >= MEASURED_NS {
            return (u128::from(last - first) * 1_000_000_000 / u128::from(ns)) as u64;
        }
    }
}
