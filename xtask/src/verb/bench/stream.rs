//! `bench stream`: bytes through one call.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use ampoule_boot::units::parse_bytes;
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{Echo, console_for, show};
use crate::bench::machine::Machine;
use crate::bench::stream;
use crate::bench::stream::report::{Results, Round};
use crate::console::Console;
use crate::launcher;

const SCHEMA: &str = "ampoule/bench-stream/1";

/// Measure bytes a second through one call
#[derive(Args, Debug)]
#[command(after_help = "\
Sends bytes without structure through a call of `echo` and through `cat | cat`, in turns, and
checks what comes out. OPTIONS are those of `ampoule run`.

Examples:
  cargo xtask bench stream
  cargo xtask bench stream --bytes 100MiB -- --accel tcg
  cargo xtask bench stream --json | jq .median")]
pub struct Stream {
    /// Bytes in each round
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_some_bytes)]
    bytes: u64,
    /// Rounds, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The launcher's options
    #[arg(last = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

impl Stream {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console_for(self.json, console);
        let echo = Echo::build(console)?;
        let launcher = launcher::build(console)?;
        let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
        let machine = Machine::read();
        let mut rounds = Vec::new();
        for number in 1..=self.rounds {
            console.status("Measuring", format_args!("round {number} of {}", self.rounds));
            let report = folder.path().join("report.json");
            rounds.push(self.round(echo.call(&launcher, &self.options), &report, console)?);
        }
        let results = Results {
            schema: SCHEMA,
            machine,
            image_bytes: echo.image_bytes,
            memory_bytes: echo.memory_bytes,
            bytes: self.bytes,
            median: Round::median(&rounds).context("there was no round")?,
            rounds,
        };
        show(&results, self.json, Results::print)
    }

    fn round(&self, mut call: Command, report: &Path, console: Console) -> Result<Round> {
        call.arg("--report").arg(report);
        console.command(&call);
        let elapsed = stream::run(vec![call], self.bytes)?;
        let cats = vec![Command::new("cat"), Command::new("cat")];
        let cat_elapsed = stream::run(cats, self.bytes)?;
        let text = fs::read_to_string(report).context("the call's report cannot be read")?;
        let report = serde_json::from_str(&text).context("the call's report makes no sense")?;
        Ok(Round::new(self.bytes, elapsed.as_secs_f64(), cat_elapsed.as_secs_f64(), report))
    }
}

/// A size of at least one byte.
fn parse_some_bytes(text: &str) -> Result<u64> {
    let bytes = parse_bytes(text)?;
    ensure!(bytes > 0, "nothing can be measured with no bytes");
    Ok(bytes)
}
