//! `setup`: installs what is missing to run functions.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::console::Console;
use crate::doctor::{State, qemu};

/// Install what is missing to run functions
#[derive(Args, Debug)]
#[command(after_help = "\
Says what it installs and why before it does; does nothing when all is there. On Debian and its
kin it uses apt-get, with sudo unless run as root; elsewhere it names the package to install.")]
pub struct Setup {}

impl Setup {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let check = qemu::examine();
        if check.state == State::Good {
            console.status("Ready", check.found);
            return Ok(ExitCode::SUCCESS);
        }
        console.status("Missing", format_args!("QEMU, which boots functions ({})", check.found));
        if !Path::new("/usr/bin/apt-get").exists() {
            bail!(
                "this is not Debian: install QEMU 7.0 or newer for x86-64 with the system's own \
                 tools (Fedora: qemu-system-x86-core, Arch: qemu-system-x86, Alpine: \
                 qemu-system-x86_64)"
            );
        }
        console.status("Installing", format_args!("the Debian package {}", qemu::PACKAGE));
        apt(&["update", "-qq"], console)?;
        apt(&["install", "-y", "-qq", "--no-install-recommends", qemu::PACKAGE], console)?;
        let check = qemu::examine();
        if check.state != State::Good {
            bail!("{} is installed, but is of no use: {}", qemu::PACKAGE, check.found);
        }
        console.status("Ready", check.found);
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs apt-get as root, its output on STDERR.
fn apt(arguments: &[&str], console: Console) -> Result<()> {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.arg("apt-get");
        command
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr());
    console.command(&command);
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("{program} cannot be run"))?;
    if !status.success() {
        bail!("`{}` failed ({status})", crate::console::command_line(&command));
    }
    Ok(())
}
