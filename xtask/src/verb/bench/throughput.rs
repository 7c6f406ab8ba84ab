//! `bench throughput`: many calls from one process.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{Echo, console_for, show};
use crate::bench::machine::Machine;
use crate::bench::throughput::{PROGRAM, Results, serve};
use crate::console::Console;
use crate::static_program::{self, best_target};

const SCHEMA: &str = "ampoule/bench-throughput/1";

/// How long all runs together take if nobody says how many calls to make.
const DURATION_S: f64 = 10.0;

/// Calls that show how many those are, for each thread.
const TRIAL_CALLS: u64 = 20;

/// Measure calls a second from one process, each in a fresh machine
#[derive(Args, Debug)]
#[command(after_help = "\
Runs boot/examples/throughput.rs, which embeds the launcher: its threads make calls with 16 bytes
each and check every answer. By how much the process grows is taken between the first calls and
the last; it should not.

Examples:
  cargo xtask bench throughput
  cargo xtask bench throughput --calls 100000 --threads 2
  cargo xtask bench throughput --json | jq '.runs[] | {threads, per_s}'")]
pub struct Throughput {
    /// Calls for each number of threads [default: as many as take ten seconds in all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,
    /// Numbers of threads, one run for each
    #[arg(
        long, value_name = "LIST", value_delimiter = ',', default_value = "1,2",
        value_parser = clap::value_parser!(u64).range(1..=1024)
    )]
    threads: Vec<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Throughput {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console_for(self.json, console);
        let most = self.threads.iter().copied().max().unwrap_or(1);
        if let Some(calls) = self.calls {
            ensure!(calls >= most, "--calls {calls} leaves some of {most} threads without any");
        }
        let echo = Echo::build(console)?;
        let program = static_program::build(PROGRAM, best_target(), console)?
            .context("the example `throughput` does not compile; its source is boot/examples")?;
        let machine = Machine::read();
        let mut runs = Vec::new();
        for &threads in &self.threads {
            let calls = match self.calls {
                Some(calls) => calls,
                None => {
                    let trial = TRIAL_CALLS * threads;
                    let trial = serve(&program, &echo.image, trial, threads, console)?;
                    calls_in(DURATION_S / self.threads.len() as f64, trial.per_s, threads)
                }
            };
            console.status("Measuring", format_args!("{calls} calls, threads: {threads}"));
            runs.push(serve(&program, &echo.image, calls, threads, console)?);
        }
        let Echo { image_bytes, memory_bytes, .. } = echo;
        let results = Results { schema: SCHEMA, machine, image_bytes, memory_bytes, runs };
        show(&results, self.json, Results::print)
    }
}

/// How many calls take about `seconds`, rounded to two digits; no fewer than there are threads.
fn calls_in(seconds: f64, per_s: f64, threads: u64) -> u64 {
    let calls = (seconds * per_s) as u64;
    let unit = 10u64.pow(calls.max(1).ilog10().saturating_sub(1));
    (calls / unit * unit).max(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_calls_is_round_and_enough_for_all_threads() {
        assert_eq!(calls_in(5.0, 1234.5, 2), 6100);
        assert_eq!(calls_in(5.0, 9.9, 2), 49);
        assert_eq!(calls_in(0.1, 1.0, 4), 4);
    }
}
