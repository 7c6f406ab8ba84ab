//! `event`: becomes the launcher, whose verb it is.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::console::Console;
use crate::launcher;

/// Make, check and convert events (CloudEvents)
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "cargo xtask event new|check|convert [OPTIONS]",
    after_help = "\
Examples:
  cargo xtask event new --example github-push
  cargo xtask event check event.json
  cargo xtask event convert --to protobuf event.json > event.pb"
)]
pub struct Event {
    /// The launcher's arguments: see `cargo xtask event --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Event {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        become_launcher("event", self.arguments, console)
    }
}

/// Has the launcher take the place of this process, with a verb and its arguments.
pub fn become_launcher(verb: &str, arguments: Vec<OsString>, console: Console) -> Result<ExitCode> {
    let mut command = Command::new(launcher::build(console.quieter())?);
    // Its help calls it by the name that it was called by.
    command.arg0("cargo xtask").arg(verb).args(arguments);
    console.command(&command);
    // Only returns if it fails.
    let error = command.exec();
    Err(error).with_context(|| format!("{} cannot be run", command.get_program().display()))
}
