//! `setup`: installs what is missing to run functions.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::console::Console;
use crate::doctor::{State, qemu};

/// Install what is missing to run functions
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Says what it installs and why before it does; does nothing when all is there. On Debian and its
kin it uses apt-get, with sudo unless run as root; elsewhere it names the package to install.")]
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
            if find(program).is_none() {
                let why = format_args!("{program}, which tests compare functions with or need");
                console.status("Missing", why);
                packages.push(package);
            }
        }
        if packages.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        install(&packages, console)?;
        let check = qemu::examine();
        if check.state != State::Good {
            bail!("{} is installed, but is of no use: {}", qemu::PACKAGE, check.found);
        }
        console.status("Ready", check.found);
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a program is, by `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

fn install(packages: &[&str], console: Console) -> Result<()> {
    let packages_named = packages.join(" ");
    if find("apt-get").is_none() {
        bail!(
            "this is not Debian: install {packages_named} with the system's own tools (QEMU 7.0 \
             or newer for x86-64 is called qemu-system-x86-core in Fedora, qemu-system-x86 in \
             Arch, qemu-system-x86_64 in Alpine)"
        );
    }
    console.status("Installing", format_args!("the Debian packages {packages_named}"));
    apt(&["update", "-qq"], console)?;
    let options = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&options[..], packages].concat(), console)
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
