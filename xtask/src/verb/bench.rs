//! `bench`: what a call costs here.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ampoule_abi::layout::MIN_MEMORY_BYTES;
use ampoule_boot::host::{Accel, probe_kvm};
use ampoule_boot::units;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::bench::bare_kernel;
use crate::bench::machine::Machine;
use crate::bench::statistics::Percentiles;
use crate::bench::subject::Subject;
use crate::cargo;
use crate::console::{Console, short_size};
use crate::image::{self, Profile};
use crate::launcher;
use crate::project::Project;

const SCHEMA: &str = "ampoule/bench/1";
const FUNCTION: &str = "echo";

/// Measure what a call costs here
#[derive(Args, Debug)]
#[command(after_help = "\
Each subject is started afresh for every measurement, in turns, with 16 bytes on its STDIN. The
ratio is that of the median time to exit to that of a kernel that does nothing but end the machine.

Examples:
  cargo xtask bench
  cargo xtask bench --runs 200 --against 'bwrap --unshare-all --ro-bind / / cat'
  cargo xtask bench --json > bench.json")]
pub struct Bench {
    /// Starts of each subject
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure this command in the same run; it must copy STDIN to STDOUT
    #[arg(long, value_name = "CMD")]
    against: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Results {
    schema: &'static str,
    #[serde(flatten)]
    machine: Machine,
    runs: u32,
    image_bytes: u64,
    memory_bytes: u64,
    subjects: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    first_byte_us: Option<Percentiles>,
    exit_us: Percentiles,
    exit_ratio: Option<f64>,
}

impl Bench {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = if self.json { console.quieter() } else { console };
        let project = Project::load(Some(&launcher::checkout().join("Cargo.toml")), console)?;
        let function = project.function(FUNCTION)?;
        let folder = project.output(FUNCTION, Profile::Optimised);
        let image = image::build(&project, function, Profile::Optimised, &folder, console)?.path;
        let image_bytes = std::fs::metadata(&image)?.len();
        let kernel = kernel_file()?;
        let subjects = self.subjects(&image, kernel.path(), console)?;
        let machine = Machine::read();
        let results = Results {
            schema: SCHEMA,
            machine,
            runs: self.runs,
            image_bytes,
            memory_bytes: MIN_MEMORY_BYTES,
            subjects: measure(&subjects, self.runs, console)?,
        };
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(&results)?);
        } else {
            print(&results);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn subjects(&self, image: &Path, kernel: &Path, console: Console) -> Result<Vec<Subject>> {
        let launcher = launcher::build(console)?;
        let mut accels = vec![Accel::Tcg];
        if probe_kvm().problem.is_none() {
            accels.push(Accel::Kvm);
        }
        let mut subjects = vec![Subject::process(&host_process(console)?)];
        for accel in accels {
            subjects.push(Subject::bare_kernel(kernel, accel, MIN_MEMORY_BYTES));
            subjects.push(Subject::call(&launcher, image, accel, MIN_MEMORY_BYTES));
        }
        subjects.extend(self.against.iter().map(|line| Subject::peer(line)));
        Ok(subjects)
    }
}

/// The function as a program of the host's.
fn host_process(console: Console) -> Result<PathBuf> {
    let mut command: Command = cargo::command("build", console);
    command.arg("--manifest-path").arg(launcher::checkout().join("Cargo.toml"));
    command.args(["--release", "--package", FUNCTION]);
    let outcome = cargo::run(command, FUNCTION, console)?;
    let executable = outcome.executable.filter(|_| outcome.success);
    Ok(executable.with_context(|| format!("{FUNCTION} does not compile for the host"))?.path)
}

fn kernel_file() -> Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("the bare kernel cannot be written")?;
    file.write_all(&bare_kernel::elf()).context("the bare kernel cannot be written")?;
    Ok(file)
}

fn measure(subjects: &[Subject], runs: u32, console: Console) -> Result<Vec<Row>> {
    let mut first_bytes: Vec<Vec<Duration>> = vec![Vec::new(); subjects.len()];
    let mut exits = first_bytes.clone();
    console.status("Measuring", format_args!("{} subjects, {runs} starts each", subjects.len()));
    for subject in subjects {
        // The first start of each fills the caches.
        subject.measure()?;
    }
    for _ in 0..runs {
        for (index, subject) in subjects.iter().enumerate() {
            let times = subject.measure()?;
            first_bytes[index].extend(times.first_byte);
            exits[index].push(times.exit);
        }
    }
    let exits: Vec<_> = exits.iter().filter_map(|times| Percentiles::of(times)).collect();
    let ratio = |index: usize| {
        let baseline = subjects[index].baseline.as_ref()?;
        let at = subjects.iter().position(|subject| subject.name == *baseline)?;
        Some(exits[index].p50 as f64 / exits[at].p50 as f64)
    };
    let row = |(index, subject): (usize, &Subject)| Row {
        name: subject.name.clone(),
        first_byte_us: Percentiles::of(&first_bytes[index]),
        exit_us: exits[index],
        exit_ratio: ratio(index),
    };
    Ok(subjects.iter().enumerate().map(row).collect())
}

fn print(results: &Results) {
    let machine = &results.machine;
    anstream::println!(
        "{}, {} processors, Linux {}, {}, load {:.2}, commit {}",
        machine.processor,
        machine.processors,
        machine.kernel,
        machine.qemu,
        machine.load_1min,
        machine.commit
    );
    anstream::println!("{}\n", conditions(results.image_bytes, results.memory_bytes, results.runs));
    let width = results.subjects.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    anstream::println!(
        "{:width$}  {:>26}  {:>26}  {:>6}",
        "",
        "first byte p50  p90  p99",
        "exit p50   p90   p99",
        "ratio"
    );
    for row in &results.subjects {
        let ratio = row.exit_ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        anstream::println!(
            "{:width$}  {:>26}  {:>26}  {ratio:>6}",
            row.name,
            row.first_byte_us.map_or_else(String::new, milliseconds),
            milliseconds(row.exit_us),
        );
    }
}

/// What was measured, on one line.
fn conditions(image_bytes: u64, memory_bytes: u64, runs: u32) -> String {
    let (image, memory) = (short_size(image_bytes), units::bytes(memory_bytes));
    format!("image {image} ({image_bytes} bytes), memory {memory}, {runs} starts each; times in ms")
}

fn milliseconds(times: Percentiles) -> String {
    let ms = |us: u64| us as f64 / 1000.0;
    format!("{:.2}  {:.2}  {:.2}", ms(times.p50), ms(times.p90), ms(times.p99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_at_a_glance_and_exactly() {
        let line = conditions(61_440, 4 << 20, 50);
        let expected = "image 60.0 KiB (61440 bytes), memory 4MiB, 50 starts each; times in ms";
        assert_eq!(line, expected);
    }
}
