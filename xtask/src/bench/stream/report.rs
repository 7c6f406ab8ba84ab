//! What streaming found, as a few lines for people or an object for programs.

use ampoule_boot::units;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bench::machine::Machine;
use crate::bench::statistics::median;
use crate::results;

const MIB: f64 = (1 << 20) as f64;

/// What was measured, and under which conditions.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Name and version of this form.
    pub schema: &'static str,
    /// Where and when.
    #[serde(flatten)]
    pub machine: Machine,
    /// The image's size.
    pub image_bytes: u64,
    /// The guest's memory, unless an option has changed it.
    pub memory_bytes: u64,
    /// Bytes in each round.
    pub bytes: u64,
    /// Each round.
    pub rounds: Vec<Round>,
    /// The medians of all rounds.
    pub median: Round,
}

/// A call and its counterpart, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Round {
    /// The backend that ran the call.
    pub backend: String,
    /// What executed its instructions.
    pub accel: String,
    /// Through the call.
    pub mib_per_s: f64,
    /// Through `cat | cat`.
    pub cat_mib_per_s: f64,
    /// The first over the second.
    pub ratio: f64,
    /// Exits of the virtual processor for each MiB; absent if the monitor does not tell.
    pub exits_per_mib: Option<f64>,
}

/// What is of interest here in a call's report.
#[derive(Debug, Deserialize)]
pub struct Report {
    backend: String,
    accel: String,
    /// Counts by kind, if the monitor tells.
    exits: Value,
}

impl Round {
    /// A round in which `bytes` took so many seconds each way.
    pub fn new(bytes: u64, seconds: f64, cat_seconds: f64, report: Report) -> Self {
        let mib = bytes as f64 / MIB;
        Self {
            backend: report.backend,
            accel: report.accel,
            mib_per_s: mib / seconds,
            cat_mib_per_s: mib / cat_seconds,
            ratio: cat_seconds / seconds,
            exits_per_mib: report.exits["total"].as_u64().map(|exits| exits as f64 / mib),
        }
    }

    /// The medians of some rounds, each figure's own; `None` if there are none.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure));
        Some(Self {
            mib_per_s: of(|round| round.mib_per_s)?,
            cat_mib_per_s: of(|round| round.cat_mib_per_s)?,
            ratio: of(|round| round.ratio)?,
            exits_per_mib: median(rounds.iter().filter_map(|round| round.exits_per_mib)),
            ..rounds.first()?.clone()
        })
    }
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        results::line(&self.machine);
        let (bytes, memory) = (units::bytes(self.bytes), units::bytes(self.memory_bytes));
        let Round { backend, accel, .. } = &self.median;
        results::line(format_args!(
            "{bytes} each round, memory {memory}; the call ran under {backend}-{accel}\n"
        ));
        results::line(format_args!(
            "{:6}  {:>18}  {:>15}  {:>6}  {:>9}",
            "", "ampoule run, MiB/s", "cat | cat, MiB/s", "ratio", "exits/MiB"
        ));
        let names = (1..=self.rounds.len()).map(|number| number.to_string());
        let names = names.chain(["median".to_owned()]);
        for (name, round) in names.zip(self.rounds.iter().chain([&self.median])) {
            let exits = round.exits_per_mib.map_or_else(|| "-".into(), |it| format!("{it:.1}"));
            results::line(format_args!(
                "{name:6}  {:18.1}  {:16.1}  {:6.2}  {exits:>9}",
                round.mib_per_s, round.cat_mib_per_s, round.ratio
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(exits: &str) -> Report {
        let text =
            format!(r#"{{"backend": "b", "accel": "a", "status": "success", "exits": {exits}}}"#);
        serde_json::from_str(&text).expect("a report")
    }

    #[test]
    fn exits_are_told_by_the_mib_where_the_monitor_tells() {
        let round = Round::new(2 << 20, 4.0, 1.0, report(r#"{"mmio": 1, "total": 30}"#));
        assert_eq!((round.mib_per_s, round.cat_mib_per_s, round.ratio), (0.5, 2.0, 0.25));
        assert_eq!(round.exits_per_mib, Some(15.0));
        assert_eq!(Round::new(1 << 20, 1.0, 1.0, report("null")).exits_per_mib, None);
    }

    #[test]
    fn the_median_of_each_figure_counts() {
        let round =
            |seconds, cat_seconds| Round::new(1 << 20, seconds, cat_seconds, report("null"));
        let median = Round::median(&[round(1.0, 8.0), round(2.0, 4.0), round(4.0, 2.0)]);
        let median = median.expect("three rounds");
        assert_eq!((median.mib_per_s, median.cat_mib_per_s, median.ratio), (0.5, 0.25, 2.0));
        assert_eq!(median.backend, "b");
        assert_eq!(Round::median(&[]), None);
    }
}
