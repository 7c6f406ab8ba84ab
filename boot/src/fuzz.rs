//! What is fuzzed: one function for each target in `boot/fuzz`, which must stand any bytes.
//!
//! libFuzzer calls them there; the tests here call them with the same corpus and with mutations of it.
//! Beside not to panic each has rules to hold: what is accepted keeps the contract as it is checked
//! here once more and otherwise, what is written reads back, and what the code under test does is
//! what a slower and simpler model of it does.

mod boot_information;
mod choices;
pub(crate) mod guest;
mod units;
mod wire;

pub use self::boot_information::boot_information;
pub use self::units::units;
pub use self::wire::{messages, wire};
#[cfg(feature = "artifact")]
pub use crate::artifact::fuzz::artifacts;
pub use crate::backend::fuzz::{driver, registers, virtqueue};
pub use crate::backend::qemu::fuzz::monitor;
pub use crate::backtrace::fuzz::symbols;
pub use crate::image::fuzz::{image, notes};
#[cfg(feature = "oci")]
pub use crate::image::oci::fuzz::oci;
pub use crate::session::fuzz::{incoming, input, session};

pub(crate) use choices::Choices;
// The guest's modules know each other by their places: this is one above its own.
use guest::memory;

#[cfg(test)]
#[path = "../fuzz/replay.rs"]
pub(crate) mod replay;

#[cfg(test)]
mod tests {
    use super::replay::{replay, targets};

    macro_rules! replayed {
        ($($target:ident: $mutations:literal,)*) => {
            const REPLAYED: &[&str] = &[$(stringify!($target)),*];
            $(
                #[test]
                fn $target() {
                    replay(stringify!($target), super::$target, $mutations);
                }
            )*
        };
    }

    replayed! {
        boot_information: 5000,
        driver: 5000,
        image: 10_000,
        incoming: 5000,
        input: 4000,
        messages: 10_000,
        monitor: 500,
        notes: 10_000,
        registers: 4000,
        session: 5000,
        symbols: 2000,
        units: 10_000,
        virtqueue: 5000,
        wire: 10_000,
    }

    /// Replayed where their parsers are: those of a program or of a feature, which this library need
    /// not have.
    const ELSEWHERE: [&str; 6] =
        ["artifacts", "environment", "events", "inspection", "oci", "settings"];

    #[test]
    fn every_target_is_replayed() {
        let mut replayed = [REPLAYED, &ELSEWHERE].concat();
        replayed.sort_unstable();
        assert_eq!(targets(), replayed);
    }
}
