//! `verify`: becomes the launcher, whose verb it is.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::console::Console;
use crate::verb::event;

/// Verify artifacts that `dist` has made
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "cargo xtask verify PATH [--key PUBLIC_KEY]",
    after_help = "\
Examples:
  cargo xtask verify target/dist
  cargo xtask verify target/dist/wc --key release.pub"
)]
pub struct Verify {
    /// The launcher's arguments: see `cargo xtask verify --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Verify {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        event::become_launcher("verify", self.arguments, console)
    }
}
