//! `setup`: installs what is missing to run functions.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::console::{self, Console};
use crate::doctor::{State, qemu};
use crate::find;
use crate::rustc;
use crate::static_program::{GNU, MUSL};

/// Install what is missing to run functions
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Says what it installs and why before it does; does nothing when all is there. On Debian and its
kin it uses apt-get, with sudo unless run as root; elsewhere it names the package to install. Where
there is rustup, it adds the target with which the launcher starts soonest, and does without it
where that cannot be had.

Examples:
  cargo xtask setup
  cargo xtask setup --peers")]
pub struct Setup {
    /// Also the tools that the tests compare functions with
    #[arg(long)]
    peers: bool,
}

/// Tools that the tests compare functions with, and the Debian packages that hold them.
const PEERS: [(&str, &str); 4] =
    [("jq", "jq"), ("zstd", "zstd"), ("python3", "python3"), ("unshare", "util-linux")];

impl Setup {
    /// A set-up for running all tests.
    pub fn with_peers() -> Self {
        Self { peers: true }
    }

    pub fn run(self, console: Console) -> Result<ExitCode> {
        add_launcher_target(console);
        let mut packages = Vec::new();
        let check = qemu::examine();
        if check.state == State::Good {
            console.status("Ready", check.found);
        } else {
            let why = format_args!("QEMU, which boots functions ({})", check.found);
            console.status("Missing", why);
            packages.push(qemu::PACKAGE);
        }
        for (program, package) in PEERS.iter().filter(|_| self.peers) {
            if find::program(program).is_none() {
                let why = format_args!("{program}, which tests compare functions with or need");
                console.status("Missing", why);
                packages.push(package);
            }
        }
        if packages.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        install(&packages, console)?;
        if packages.contains(&qemu::PACKAGE) {
            let check = qemu::examine();
            if check.state != State::Good {
                bail!("{} is installed, but is of no use: {}", qemu::PACKAGE, check.found);
            }
            console.status("Ready", check.found);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Adds what the launcher is best built for; functions run without it too, so this never fails.
fn add_launcher_target(console: Console) {
    if !rustc::has_target(MUSL) {
        let why = "with which the launcher starts some 0.3 ms sooner";
        console.status("Missing", format_args!("the target {MUSL}, {why}"));
        if let Err(problem) = rustup(&["target", "add", MUSL], console) {
            let instead = format_args!("{problem:#}; the launcher is built for {GNU} instead");
            console.status("Skipping", instead);
            return;
        }
    }
    console.status("Ready", format_args!("{MUSL}, for the launcher"));
}

fn rustup(arguments: &[&str], console: Console) -> Result<()> {
    let mut command = Command::new("rustup");
    // Whoever has no network is not to wait long to be told.
    command.args(arguments).env("RUSTUP_MAX_RETRIES", "1").stdout(std::io::stderr());
    console.command(&command);
    let line = console::command_line(&command);
    let status = command.status().with_context(|| format!("`{line}` cannot be run"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    if !rustc::has_target(MUSL) {
        bail!("`{line}` was of no use: rustc is not the one that rustup installs for");
    }
    Ok(())
}

fn install(packages: &[&str], console: Console) -> Result<()> {
    let packages_named = packages.join(" ");
    if find::program("apt-get").is_none() {
        bail!(
            "this is not Debian: install {packages_named} with the system's own tools (QEMU 7.0 \
             or newer for x86-64 is called qemu-system-x86-core in Fedora, qemu-system-x86 in \
             Arch, qemu-system-x86_64 in Alpine)"
        );
    }
    let noun = if packages.len() == 1 { "package" } else { "packages" };
    console.status("Installing", format_args!("the Debian {noun} {packages_named}"));
    apt(&["update", "-qq"], console)?;
    let options = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&options[..], packages].concat(), console)
}

fn apt(arguments: &[&str], console: Console) -> Result<()> {
    let mut command = apt_command(arguments, rustix::process::geteuid().is_root());
    console.command(&command);
    let line = console::command_line(&command);
    let status = command.status().with_context(|| format!("`{line}` cannot be run"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}); what it said is above");
    }
    Ok(())
}

/// The command that runs apt-get as root, its output on STDERR. sudo forgets the environment, so
/// the variable that keeps packages from asking questions is set behind it.
fn apt_command(arguments: &[&str], is_root: bool) -> Command {
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    command.args(if is_root { &[][..] } else { &["env"] });
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
    command.stdout(std::io::stderr());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_get_is_run_as_root() {
        let line = |is_root| console::command_line(&apt_command(&["install", "-y", "jq"], is_root));
        assert_eq!(line(true), "env 'DEBIAN_FRONTEND=noninteractive' apt-get install -y jq");
        assert_eq!(line(false), "sudo env 'DEBIAN_FRONTEND=noninteractive' apt-get install -y jq");
    }
}
