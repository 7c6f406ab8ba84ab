//! Throughput: what the example of that name finds, which embeds the launcher.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use ampoule_boot::units;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::statistics::Percentiles;
use crate::console::{Console, short_size};
use crate::results;
use crate::static_program::Program;

/// The program that serves the requests.
pub const PROGRAM: Program = Program::released("ampoule-boot", "--example", "throughput");

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
    /// The guest's memory.
    pub memory_bytes: u64,
    /// One for each number of threads.
    pub runs: Vec<Served>,
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        let (image, memory) = (short_size(self.image_bytes), units::bytes(self.memory_bytes));
        results::line(format_args!(
            "{}\nimage {image}, memory {memory}; latencies in us\n",
            self.machine
        ));
        results::line(format_args!(
            "{:>7}  {:>8}  {:9}  {:>8}  {:>7}  {:>7}  {:>7}  growth: {:>10}  {:>11}  {:>7}",
            "threads",
            "calls",
            "monitor",
            "per s",
            "p50",
            "p90",
            "p99",
            "rss",
            "descriptors",
            "threads"
        ));
        for run in &self.runs {
            let Percentiles { p50, p90, p99 } = run.latency_us;
            results::line(format_args!(
                "{:7}  {:8}  {:9}  {:8.1}  {p50:7}  {p90:7}  {p99:7}  {:>18}  {:11}  {:7}",
                run.threads,
                run.calls,
                format!("{}-{}", run.backend, run.accel),
                run.per_s,
                format!("{} KiB", run.rss_growth_bytes >> 10),
                run.descriptor_growth,
                run.thread_growth,
            ));
        }
    }
}

/// What it finds, as it prints it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Served {
    /// Requests that were answered, all of them rightly.
    pub calls: u64,
    /// Threads that made them.
    pub threads: u64,
    /// The backend that ran the machines.
    pub backend: String,
    /// What executed the guests' instructions.
    pub accel: String,
    /// Requests a second.
    pub per_s: f64,
    /// From a request to its answer, in microseconds.
    pub latency_us: Percentiles,
    /// By how much its resident memory grew.
    pub rss_growth_bytes: i64,
    /// By how many its descriptors grew.
    pub descriptor_growth: i64,
    /// By how many its threads grew.
    pub thread_growth: i64,
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The program could not be run.
    #[error("{0} cannot be run: {1}")]
    Start(String, io::Error),
    /// It failed; it has said why on STDERR.
    #[error("{0} failed ({1}); what it said is above")]
    Failed(String, std::process::ExitStatus),
    /// It printed something else than a result.
    #[error("{0} printed no result but {1:?}: {2}")]
    Result(String, String, serde_json::Error),
}

/// Has `program` serve `calls` requests with as many `threads`.
pub fn serve(
    program: &Path,
    image: &Path,
    calls: u64,
    threads: u64,
    console: Console,
) -> Result<Served, ServeError> {
    let name = program.display().to_string();
    let mut command = Command::new(program);
    command.arg(image).args([calls.to_string(), threads.to_string()]);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    console.command(&command);
    let output = command.output().map_err(|why| ServeError::Start(name.clone(), why))?;
    if !output.status.success() {
        return Err(ServeError::Failed(name, output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).map_err(|why| ServeError::Result(name, text, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_or_says_nothing_is_no_result() {
        let console = Console::new(false);
        let serve = |program: &str| serve(program.as_ref(), "i".as_ref(), 1, 1, console);
        let message = |program| serve(program).expect_err("no result").to_string();
        assert!(message("/bin/false").contains("exit status: 1"));
        assert!(message("/bin/true").contains("no result"));
        assert!(message("/nowhere/program").contains("cannot be run"));
    }
}
