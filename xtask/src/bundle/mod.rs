//! A launcher and an image in one static executable.

mod compose;
mod trial;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::launcher::checkout;
use crate::static_program::{self, Program};
pub use compose::{ComposeError, compose};

const LAUNCHER: Program = Program {
    package: "ampoule-boot",
    kind: "--bin",
    name: "ampoule-bundle",
    profile: "bundle",
    features: &["--no-default-features", "--features", "program"],
};

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Cargo could not be started or read.
    #[error("cargo could not be run to build the launcher")]
    Cargo(#[source] io::Error),
    /// Cargo reported errors, which have been shown.
    #[error("the launcher does not compile; its source is {}/boot{hint}", checkout().display())]
    Failed {
        /// What may help.
        hint: String,
    },
    /// What cargo made cannot be read.
    #[error("{path} cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// It cannot be put together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// It cannot be tried.
    #[error("a bundle cannot be tried in {folder}: {why}")]
    Try {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// Its guard does not work as this compiler has compiled it.
    #[error(
        "the launcher's guard does not find damage as this compiler has compiled it ({found}): try \
            another toolchain, and report it"
    )]
    Guard {
        /// What it did.
        found: String,
    },
}

/// The launcher of bundles.
#[derive(Debug)]
pub struct Launcher(Vec<u8>);

impl Launcher {
    /// Builds it, which takes no time if it is there.
    pub fn build(console: Console) -> Result<Self, BundleError> {
        let target = static_program::best_target();
        let built = static_program::build(LAUNCHER, target, console).map_err(BundleError::Cargo)?;
        let hint = || static_program::hint(target);
        let path = built.ok_or_else(|| BundleError::Failed { hint: hint() })?;
        let read = |why| BundleError::Read { path: path.clone(), why };
        let launcher = fs::read(&path).map(Self).map_err(read)?;
        trial::of(&launcher, path.parent().unwrap_or(Path::new(".")))?;
        Ok(launcher)
    }

    /// The bundle of an image.
    pub fn with(&self, image: &[u8]) -> Result<Vec<u8>, ComposeError> {
        compose(&self.0, image)
    }
}
