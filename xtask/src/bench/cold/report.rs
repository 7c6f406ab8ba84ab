//! What a measurement of cold starts found, as a table for people or an object for programs.

use std::path::PathBuf;

use ampoule_boot::units;
use serde::Serialize;

use super::subject::PROCESS;
use crate::bench::machine::Machine;
use crate::bench::statistics::Percentiles;
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
    /// Starts of each subject.
    pub runs: u32,
    /// The image's size.
    pub image_bytes: u64,
    /// The guest's memory.
    pub memory_bytes: u64,
    /// What was measured, in the order of the table.
    pub subjects: Vec<Row>,
    /// What was not, and why.
    pub left_out: Vec<LeftOut>,
    /// Where it is drawn.
    pub plot: PathBuf,
}

/// One subject.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name in the table.
    pub name: String,
    /// The bare kernel that it is compared with too.
    #[serde(skip)]
    pub baseline: Option<String>,
    /// Until the first byte of STDOUT, in microseconds; absent if it writes none.
    pub first_byte_us: Option<Percentiles>,
    /// Until the process was gone, in microseconds.
    pub exit_us: Percentiles,
    /// Its medians, divided by those of others.
    #[serde(flatten)]
    pub ratios: Ratios,
}

/// Medians of a subject, divided by those of others in the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Ratios {
    /// First byte, over that of the static process.
    pub first_byte_over_process: Option<f64>,
    /// Exit, over that of the static process.
    pub exit_over_process: Option<f64>,
    /// Exit, over that of a bare kernel under the same monitor.
    pub exit_over_bare_kernel: Option<f64>,
}

/// Something that was not measured.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOut {
    /// What it would have been.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// Fills in the ratios between rows.
pub fn compare(mut rows: Vec<Row>) -> Vec<Row> {
    let over = |value: u64, base: u64| value as f64 / base.max(1) as f64;
    let all = rows.clone();
    let named = |name: &str| all.iter().find(|row| row.name == name);
    for row in &mut rows {
        let process = named(PROCESS);
        let bare_kernel = row.baseline.as_deref().and_then(named);
        let first_byte = |row: &Row| row.first_byte_us.map(|times| times.p50);
        row.ratios = Ratios {
            first_byte_over_process: (first_byte(row).zip(process.and_then(first_byte)))
                .map(|(value, base)| over(value, base)),
            exit_over_process: process.map(|base| over(row.exit_us.p50, base.exit_us.p50)),
            exit_over_bare_kernel: bare_kernel.map(|base| over(row.exit_us.p50, base.exit_us.p50)),
        };
    }
    rows
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        results::line(format_args!("{}\n{}\n", self.machine, self.conditions()));
        let width = self.subjects.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        results::line(format_args!(
            "{:width$}  {:^22}  {:^22}  ratio to: process   kernel",
            "", "first byte", "exit"
        ));
        let columns = format!("{:>6}  {:>6}  {:>6}", "p50", "p90", "p99");
        let ratios = format!("{:>10}  {:>6}  {:>6}", "first byte", "exit", "exit");
        results::line(format_args!("{:width$}  {columns}  {columns}  {ratios}", ""));
        for row in &self.subjects {
            let ratios = row.ratios;
            results::line(format_args!(
                "{:width$}  {:22}  {:22}  {:>10}  {:>6}  {:>6}",
                row.name,
                row.first_byte_us.map_or_else(String::new, milliseconds),
                milliseconds(row.exit_us),
                shown(ratios.first_byte_over_process),
                shown(ratios.exit_over_process),
                shown(ratios.exit_over_bare_kernel),
            ));
        }
        for LeftOut { name, why } in &self.left_out {
            results::line(format_args!("left out: {name}: {why}"));
        }
    }

    /// What was measured, on one line.
    pub fn conditions(&self) -> String {
        let Self { image_bytes, memory_bytes, runs, .. } = self;
        let (image, memory) = (short_size(*image_bytes), units::bytes(*memory_bytes));
        format!(
            "image {image} ({image_bytes} bytes), memory {memory}, {runs} starts each; times in ms"
        )
    }
}

fn milliseconds(times: Percentiles) -> String {
    let ms = |us: u64| us as f64 / 1000.0;
    format!("{:>6.2}  {:>6.2}  {:>6.2}", ms(times.p50), ms(times.p90), ms(times.p99))
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A row whose percentiles are all the same.
    pub fn row(name: &str, baseline: Option<&str>, first_byte: Option<u64>, exit: u64) -> Row {
        let same = |us| Percentiles { p50: us, p90: us, p99: us };
        Row {
            name: name.into(),
            baseline: baseline.map(str::to_owned),
            first_byte_us: first_byte.map(same),
            exit_us: same(exit),
            ratios: Ratios::default(),
        }
    }

    #[test]
    fn ratios_are_those_of_medians_in_the_same_run() {
        let rows = compare(vec![
            row(PROCESS, None, Some(100), 200),
            row("bare kernel, x", None, None, 400),
            row("call", Some("bare kernel, x"), Some(300), 500),
        ]);
        let expected = Ratios {
            first_byte_over_process: Some(3.0),
            exit_over_process: Some(2.5),
            exit_over_bare_kernel: Some(1.25),
        };
        assert_eq!(rows[2].ratios, expected);
        assert_eq!(rows[1].ratios.first_byte_over_process, None);
        let alone = compare(vec![row("call", Some("bare kernel, x"), Some(300), 500)]);
        assert_eq!(alone[0].ratios, Ratios::default());
    }

    #[test]
    fn sizes_are_told_at_a_glance_and_exactly() {
        let results = Results {
            schema: "x",
            machine: Machine::default(),
            runs: 50,
            image_bytes: 61_440,
            memory_bytes: 4 << 20,
            subjects: Vec::new(),
            left_out: Vec::new(),
            plot: "cold.svg".into(),
        };
        let expected = "image 60.0 KiB (61440 bytes), memory 4MiB, 50 starts each; times in ms";
        assert_eq!(results.conditions(), expected);
    }
}
