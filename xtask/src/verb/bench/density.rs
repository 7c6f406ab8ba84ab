//! `bench density`: calls that wait, side by side.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use super::{Echo, console_for, show};
use crate::bench::density::Crowd;
use crate::bench::density::report::{Memory, Results};
use crate::bench::density::usage::available_bytes;
use crate::bench::machine::Machine;
use crate::bench::statistics::Spread;
use crate::console::Console;
use crate::launcher;

const SCHEMA: &str = "ampoule/bench-density/1";

/// Measure the memory of many calls that wait for input
#[derive(Args, Debug)]
#[command(after_help = "\
Starts calls of `echo` at once, each of which answers one line and then waits for more, takes what
/proc tells of them and of processes that they have started, and ends them by ending their input;
each must succeed. OPTIONS are those of `ampoule run`.

Examples:
  cargo xtask bench density
  cargo xtask bench density --instances 20 -- --memory 4MiB --backend qemu
  cargo xtask bench density --json | jq .private.bytes.p50")]
pub struct Density {
    /// Calls side by side
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    instances: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The launcher's options
    #[arg(last = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

impl Density {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console_for(self.json, console);
        let echo = Echo::build(console)?;
        let launcher = launcher::build(console)?;
        let instances = self.instances as usize;
        console.command(&echo.call(&launcher, &self.options));
        console.status("Starting", format_args!("{instances} calls"));
        let machine = Machine::read();
        let available_before = available_bytes()?;
        let start = Instant::now();
        let crowd = Crowd::start(instances, || echo.call(&launcher, &self.options))?;
        let all_up_ms = start.elapsed().as_millis() as u64;
        let available_after = available_bytes()?;
        let usage = crowd.usage()?;
        crowd.finish()?;
        let none = "there were no calls";
        let results = Results {
            schema: SCHEMA,
            machine,
            instances,
            image_bytes: echo.image_bytes,
            memory_bytes: echo.memory_bytes,
            all_up_ms,
            private: Memory::of(&usage, |usage| usage.private_bytes).context(none)?,
            pss: Memory::of(&usage, |usage| usage.pss_bytes).context(none)?,
            rss: Memory::of(&usage, |usage| usage.rss_bytes).context(none)?,
            available_fall_bytes: (available_before - available_after) / i64::from(self.instances),
            threads: Spread::of(usage.iter().map(|usage| usage.threads)).context(none)?,
            processes: Spread::of(usage.iter().map(|usage| usage.processes)).context(none)?,
        };
        show(&results, self.json, Results::print)
    }
}
