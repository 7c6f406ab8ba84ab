//! `bench events`: formats of events and payloads, inside a guest.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use super::{console_for, show};
use crate::bench::events::{CODECS, Results, sum_up, time};
use crate::bench::machine::Machine;
use crate::console::Console;
use crate::image::{self, Profile};
use crate::launcher;
use crate::project::Project;

const SCHEMA: &str = "ampoule/bench-events/1";

/// Measure what JSON, Protobuf and Cap'n Proto cost a function
#[derive(Args, Debug)]
#[command(after_help = "\
Functions that do nothing but encode and decode one reading of a sensor are called in turns; their
images are compared with that of one that does neither. OPTIONS are those of `ampoule run`.

Examples:
  cargo xtask bench events
  cargo xtask bench events --json | jq '.codecs[] | {name, ratio}'")]
pub struct Events {
    /// Times that each call encodes and decodes
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Calls of each, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The launcher's options
    #[arg(last = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

impl Events {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console_for(self.json, console);
        let project = Project::load(Some(&launcher::checkout().join("Cargo.toml")), console)?;
        let mut images = Vec::new();
        for (name, _) in CODECS {
            let folder = project.output(name, Profile::Optimised);
            let function = project.function(name)?;
            images.push(image::build(&project, function, Profile::Optimised, &folder, console)?);
        }
        let launcher = launcher::build(console)?;
        let machine = Machine::read();
        let mut calls = vec![Vec::new(); CODECS.len()];
        for number in 1..=self.calls {
            console.status("Measuring", format_args!("call {number} of {}", self.calls));
            for (image, calls) in images.iter().zip(&mut calls) {
                let mut call = Command::new(&launcher);
                call.arg("run").arg(&image.path).args(&self.options);
                call.arg("--").arg(self.rounds.to_string());
                console.command(&call);
                calls.push(time(call)?);
            }
        }
        let sizes: Vec<u64> = images.iter().map(|image| image.bytes).collect();
        let codecs = sum_up(&sizes, &calls).context("there was no call")?;
        let results = Results { schema: SCHEMA, machine, rounds: self.rounds, codecs };
        show(&results, self.json, Results::print)
    }
}
