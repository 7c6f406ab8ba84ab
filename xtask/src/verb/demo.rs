//! `demo`: the whole of it on real data, with nothing to set up first.

use std::fs::File;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::console::{self, Console};
use crate::launcher;
use crate::verb::setup::Setup;

/// The airports of Alaska that are named after a bay, one line each, then how many.
const STAGES: [&str; 3] = [
    "csv2json",
    r#"jq -r 'select(.state == "AK") | "\(.iata) \(.name), \(.latitude) \(.longitude)"'"#,
    "grep Bay",
];
const INPUT: &str = "tests/data/airports.csv";

/// Set everything up, then run a pipeline of functions over real data
#[derive(Args, Debug)]
#[command(after_help = "\
Three functions, each in a virtual machine of its own, find the airports of Alaska that are named
after a bay. What is installed is said before; the pipeline's command is shown.")]
pub struct Demo {}

impl Demo {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        Setup::default().run(console)?;
        let input = launcher::checkout().join(INPUT);
        let input = File::open(&input).with_context(|| input.display().to_string())?;
        let own = std::env::current_exe().context("this program's own path")?;
        let mut command = Command::new(own);
        command.arg("pipe").args(STAGES).stdin(Stdio::from(input));
        let shown = console::command_line(&command);
        let (_, arguments) = shown.split_once(' ').unwrap_or_default();
        console.status("Running", format_args!("cargo xtask {arguments} < {INPUT}"));
        let status = command.status().context("the pipeline cannot be started")?;
        Ok(ExitCode::from(crate::pipeline::exit_code(&status)))
    }
}
