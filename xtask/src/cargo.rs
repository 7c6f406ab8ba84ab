//! Running cargo and reading what it reports: which file it made, and what went wrong.
//!
//! Paths are taken from cargo's messages and never guessed: build directories can be shared,
//! moved, or laid out anew.

use std::collections::BTreeSet;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use cargo_metadata::{Message, PackageId};

use crate::console::{Console, Verbosity};
use crate::progress::Progress;

/// How a run of cargo ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether cargo succeeded.
    pub success: bool,
    /// The binary that was asked for, if it was made.
    pub executable: Option<Executable>,
    /// The packages of all that was compiled for it, for the host as well, now or before.
    pub packages: BTreeSet<PackageId>,
    /// The errors, which have been shown.
    pub errors: Vec<Diagnostic>,
}

/// A binary that cargo made.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The file.
    pub path: PathBuf,
    /// Whether nothing had to be done.
    pub fresh: bool,
}

/// A command that runs cargo, the same one that runs this program.
pub fn command(subcommand: &str, console: Console) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).args(["--message-format", "json-diagnostic-rendered-ansi"]);
    if console.verbosity() == Verbosity::Quiet {
        command.arg("--quiet");
    }
    command
}

/// Runs a command made by [`command`], shows its diagnostics as they come, and watches for the
/// binary or example called `binary`.
pub fn run(mut command: Command, binary: &str, console: Console) -> io::Result<Outcome> {
    console.command(&command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("STDOUT is not a pipe"))?;
    let progress = Progress::new(binary, console);
    let mut errors = Vec::new();
    let mut executable = None;
    let mut packages = BTreeSet::new();
    for message in Message::parse_stream(BufReader::new(output)) {
        match message? {
            Message::CompilerArtifact(artifact) => {
                progress.compiled(&artifact.target.name, artifact.fresh);
                let is_program = artifact.target.is_bin() || artifact.target.is_example();
                if is_program && artifact.target.name == binary {
                    let fresh = artifact.fresh;
                    executable =
                        artifact.executable.map(|path| Executable { path: path.into(), fresh });
                }
                packages.insert(artifact.package_id);
            }
            Message::CompilerMessage(message) => {
                progress.show(message.message.rendered.as_deref().unwrap_or_default());
                if is_error(&message.message) {
                    errors.push(message.message);
                }
            }
            _ => {}
        }
    }
    progress.finish();
    Ok(Outcome { success: child.wait()?.success(), executable, packages, errors })
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.level, DiagnosticLevel::Error | DiagnosticLevel::Ice)
}
