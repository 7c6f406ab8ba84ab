//! `launcher`: the launcher alone, for whoever runs images without this command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::console::Console;
use crate::launcher;
use crate::results;

/// Build the launcher and print where it is
#[derive(Args, Debug)]
#[command(after_help = "\
One static executable, which runs images on other machines as well. `invoke` builds it too.

Example:
  cp \"$(cargo xtask launcher)\" /usr/local/bin")]
pub struct Launcher {}

impl Launcher {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let path = launcher::build(console.quieter())?;
        results::line(path.display());
        Ok(ExitCode::SUCCESS)
    }
}
