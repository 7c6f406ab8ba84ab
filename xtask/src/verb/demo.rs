//! `demo`: the whole of it on real data, with nothing to set up first.

use std::fs::File;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::console::Console;
use crate::launcher;
use crate::pipeline;
use crate::verb::setup::Setup;

/// The airports of Alaska that are named after a bay, one line each.
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
after a bay. Says what it installs before it does, and shows the command that it runs.

Examples:
  cargo xtask demo")]
pub struct Demo {}

impl Demo {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        Setup::default().run(console)?;
        let project = launcher::checkout();
        let path = project.join(INPUT);
        let input =
            File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let own = std::env::current_exe().context("this program's own path")?;
        let mut command = Command::new(own);
        command.arg("pipe").args(STAGES).current_dir(project).stdin(Stdio::from(input));
        let stages = shell_words::join(STAGES);
        console.status("Running", format_args!("cargo xtask pipe {stages} < {INPUT}"));
        let status = command.status().context("the pipeline cannot be started")?;
        Ok(ExitCode::from(pipeline::exit_code(&status)))
    }
}
