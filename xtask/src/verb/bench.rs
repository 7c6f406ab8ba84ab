//! `bench`: what a call costs here.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ampoule_abi::layout::MIN_MEMORY_BYTES;
use ampoule_boot::host::{Accel, probe_kvm};
use anyhow::{Context, Result};
use clap::Args;

use crate::bench::bare_kernel;
use crate::bench::machine::Machine;
use crate::bench::report::{Results, Row};
use crate::bench::statistics::Percentiles;
use crate::bench::subject::Subject;
use crate::cargo;
use crate::console::Console;
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
            results.print();
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
