//! `bench`: what calls cost here.

mod cold;
mod density;
mod events;
mod stream;
mod throughput;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::console::Console;
use crate::image::{self, Profile};
use crate::launcher;
use crate::project::Project;
use crate::results;
use crate::static_program::{self, Program};

/// The function that is measured.
const FUNCTION: &str = "echo";

/// Measure what calls cost here; cold starts unless another command is named
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    cold: cold::Cold,
}

#[derive(Debug, Subcommand)]
enum What {
    Cold(cold::Cold),
    Throughput(throughput::Throughput),
    Stream(stream::Stream),
    Density(density::Density),
    Events(events::Events),
}

impl Bench {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        match self.what.unwrap_or(What::Cold(self.cold)) {
            What::Cold(cold) => cold.run(console),
            What::Throughput(throughput) => throughput.run(console),
            What::Stream(stream) => stream.run(console),
            What::Density(density) => density.run(console),
            What::Events(events) => events.run(console),
        }
    }
}

/// What is measured, built.
struct Echo {
    image: PathBuf,
    image_bytes: u64,
    memory_bytes: u64,
}

impl Echo {
    fn build(console: Console) -> Result<Self> {
        let project = Project::load(Some(&launcher::checkout().join("Cargo.toml")), console)?;
        let function = project.function(FUNCTION)?;
        let folder = project.output(FUNCTION, Profile::Optimised);
        let built = image::build(&project, function, Profile::Optimised, &folder, console)?;
        let memory_bytes = function.settings.memory_bytes;
        Ok(Self { image: built.path, image_bytes: built.bytes, memory_bytes })
    }

    /// The same function as a program of the host's, for `target`.
    fn for_host(target: &str, console: Console) -> Result<PathBuf> {
        let program = Program::released(FUNCTION, "--bin", FUNCTION);
        static_program::build(program, target, console)?
            .with_context(|| format!("{FUNCTION} does not compile for {target}"))
    }

    /// A call by the launcher, with these options.
    fn call(&self, launcher: &PathBuf, options: &[String]) -> Command {
        let mut command = Command::new(launcher);
        command.arg("run").arg(&self.image).args(options);
        command
    }
}

/// Prints results: one JSON object, or what `print` prints.
fn show<T: Serialize>(results: &T, is_json: bool, print: impl FnOnce(&T)) -> Result<ExitCode> {
    if is_json {
        results::line(serde_json::to_string_pretty(results)?);
    } else {
        print(results);
    }
    Ok(ExitCode::SUCCESS)
}

/// Without talk on STDERR if STDOUT is for a program.
fn console_for(is_json: bool, console: Console) -> Console {
    if is_json { console.quieter() } else { console }
}
