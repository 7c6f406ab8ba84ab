//! The launcher `ampoule`: built from the checkout that this program was built from.

use std::io;
use std::path::{Path, PathBuf};

use crate::cargo;
use crate::console::Console;

const PACKAGE: &str = "ampoule-boot";
const BINARY: &str = "ampoule";

/// Why there is no launcher.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Cargo could not be started or read.
    #[error("cargo could not be run to build the launcher")]
    Cargo(#[from] io::Error),
    /// Cargo reported errors, which have been shown.
    #[error("the launcher does not compile; its source is {0}/boot")]
    Failed(PathBuf),
}

/// Builds the launcher, which takes no time if it is there, and returns its path.
pub fn build(console: Console) -> Result<PathBuf, LauncherError> {
    let mut command = cargo::command("build", console);
    command.arg("--manifest-path").arg(checkout().join("Cargo.toml"));
    command.args(["--release", "--package", PACKAGE, "--bin", BINARY]);
    let outcome = cargo::run(command, BINARY, console)?;
    let executable = outcome.executable.filter(|_| outcome.success);
    executable
        .map(|executable| executable.path)
        .ok_or_else(|| LauncherError::Failed(checkout().to_owned()))
}

/// The folder of this project's workspace.
pub fn checkout() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}
