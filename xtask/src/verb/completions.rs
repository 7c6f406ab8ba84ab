//! `completions`: a script that teaches a shell this command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::Cli;
use crate::results;

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = "\
The script completes the name `xtask`: define it as a function or an alias first.

Example:
  cargo xtask completions bash > ~/.local/share/bash-completion/completions/xtask
  alias xtask='cargo xtask'")]
pub struct Completions {
    /// Shell to print the script for
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> ExitCode {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command().bin_name("xtask"), "xtask", &mut script);
        results::bytes(&script);
        ExitCode::SUCCESS
    }
}
