//! What density found, as a few lines for people or an object for programs.

use ampoule_boot::units;
use serde::Serialize;

use super::usage::Usage;
use crate::bench::machine::Machine;
use crate::bench::statistics::Spread;
use crate::console::short_size;
use crate::results;

/// What was measured, and under which conditions.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Name and version of this form.
    pub schema: &'static str,
    /// Where and when.
    #[serde(flatten)]
    pub machine: Machine,
    /// Calls that waited side by side.
    pub instances: usize,
    /// The image's size.
    pub image_bytes: u64,
    /// The guest's memory, unless an option has changed it.
    pub memory_bytes: u64,
    /// From the first start until the last had answered, in milliseconds.
    pub all_up_ms: u64,
    /// Memory that nobody else maps.
    pub private: Memory,
    /// That, and a call's share of what others map too.
    pub pss: Memory,
    /// All that is mapped and in memory.
    pub rss: Memory,
    /// By how much the machine's available memory fell for each call: with what the kernel itself
    /// holds, and whatever else went on.
    pub available_fall_bytes: i64,
    /// Threads of each call.
    pub threads: Spread,
    /// Processes of each call.
    pub processes: Spread,
}

/// An amount of memory of each call, and of all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Of each call.
    pub bytes: Spread,
    /// Of all together.
    pub sum_bytes: u64,
}

impl Memory {
    /// Sums up one figure; `None` if there are no calls.
    pub fn of(usage: &[Usage], figure: fn(&Usage) -> u64) -> Option<Self> {
        let bytes = Spread::of(usage.iter().map(figure))?;
        Some(Self { bytes, sum_bytes: usage.iter().map(figure).sum() })
    }
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        let (image, memory) = (short_size(self.image_bytes), units::bytes(self.memory_bytes));
        results::line(&self.machine);
        let (instances, up) = (self.instances, self.all_up_ms as f64 / 1000.0);
        results::line(format_args!(
            "{instances} calls that wait for input, all up after {up:.2} s; image {image}, memory {memory}\n"
        ));
        results::line(format_args!(
            "{:9}  {:>10}  {:>10}  {:>10}  {:>10}",
            "", "p50", "p90", "max", "sum"
        ));
        for (name, figure) in [("private", self.private), ("pss", self.pss), ("rss", self.rss)] {
            let Spread { p50, p90, max } = figure.bytes;
            let [p50, p90, max, sum] = [p50, p90, max, figure.sum_bytes].map(short_size);
            results::line(format_args!("{name:9}  {p50:>10}  {p90:>10}  {max:>10}  {sum:>10}"));
        }
        for (name, Spread { p50, p90, max }) in
            [("threads", self.threads), ("processes", self.processes)]
        {
            results::line(format_args!("{name:9}  {p50:>10}  {p90:>10}  {max:>10}"));
        }
        let fall = self.available_fall_bytes as f64 / f64::from(1 << 20);
        results::line(format_args!(
            "\navailable memory of the machine fell by {fall:.2} MiB for each"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_of_each_and_of_all() {
        let usage = [1, 2, 6].map(|rss_bytes| Usage { rss_bytes, ..Usage::default() });
        let memory = Memory::of(&usage, |usage| usage.rss_bytes).expect("three calls");
        assert_eq!((memory.bytes.p50, memory.bytes.max, memory.sum_bytes), (2, 6, 9));
        assert_eq!(Memory::of(&[], |usage| usage.rss_bytes), None);
    }
}
