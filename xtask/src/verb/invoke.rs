//! `invoke`: builds what is needed, then becomes the launcher.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use rustix::time::{ClockId, clock_gettime};

use crate::console::Console;
use crate::image::{self, Profile};
use crate::launcher;
use crate::project::Project;

/// Run a function in a fresh virtual machine
#[derive(Args, Debug)]
#[command(
    override_usage = "cargo xtask invoke [--debug] [--manifest-path PATH] NAME|IMAGE [OPTIONS] [-- ARGS]",
    after_help = "\
OPTIONS are those of `ampoule run`: -e K=V, --env-file, --timeout, --memory, --accel, --report, …
STDIN, STDOUT, STDERR and the exit status are the function's.

Examples:
  cargo xtask invoke wc < README.md
  cargo xtask invoke grep --timeout 2s -- -i error < log.txt
  cargo xtask invoke target/fn/wc/wc.elf --accel tcg -- -l < README.md"
)]
pub struct Invoke {
    /// Run the function compiled with overflow checks and debug assertions, from
    /// target/fn-debug/NAME
    #[arg(long)]
    debug: bool,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Function or image, the launcher's options, and the function's arguments after `--`
    #[arg(
        value_name = "NAME|IMAGE",
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    call: Vec<OsString>,
}

impl Invoke {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console.quieter();
        let (callee, rest) = self.call.split_first().context("no function is named")?;
        ensure!(
            !callee.as_encoded_bytes().starts_with(b"-"),
            "{callee:?} comes before the function's name; write `cargo xtask invoke NAME`, then \
             options"
        );
        let image = match as_image(callee) {
            Some(path) => path.to_owned(),
            None => self.build(callee, console)?,
        };
        let mut command = Command::new(launcher::build(console)?);
        command.arg("run").arg(image).args(rest);
        console.command(&command);
        // For --timings: what this process took is not the launcher's.
        if let Ok(now) = Duration::try_from(clock_gettime(ClockId::Monotonic)) {
            command.env("AMPOULE_EXEC_NS", now.as_nanos().to_string());
        }
        // Only returns if it fails.
        let error = command.exec();
        Err(error).with_context(|| format!("{} cannot be run", command.get_program().display()))
    }

    fn build(&self, name: &OsStr, console: Console) -> Result<PathBuf> {
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let function = project.function(&name.to_string_lossy())?;
        let profile = Profile::chosen(self.debug);
        let folder = project.output(&function.name, profile);
        Ok(image::build(&project, function, profile, &folder, console)?.path)
    }
}

/// What is written like a path is an image; whether there is one is the launcher's to say.
pub fn as_image(callee: &OsStr) -> Option<&Path> {
    let path = Path::new(callee);
    let is_path = path.components().count() > 1 || path.extension().is_some_and(|e| e == "elf");
    is_path.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_a_name() {
        for path in ["wc.elf", "./wc", "/tmp/wc", "target/fn/wc/wc.elf"] {
            assert!(as_image(path.as_ref()).is_some(), "{path}");
        }
        assert!(as_image("wc".as_ref()).is_none());
    }
}
