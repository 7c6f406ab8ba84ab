//! From a function's source to its image.
//!
//! ```text
//! settings (spec) -> compile, with the linker's input (link, note) -> seal -> strip -> check -> publish
//! ```
//!
//! Everything before `publish` leaves the function's last good image as it was.

pub mod canonical;
pub mod check;
pub mod compile;
mod dependency;
mod diagnose;
pub mod elf;
mod link;
mod note;
mod page_tables;
mod seal;
mod sources;
pub mod spec;
mod strip;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::console::Console;
use crate::project::{Function, Project};
use crate::publish::{PublishError, stage};
pub use compile::Profile;

/// An image on disk.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image.
    pub path: PathBuf,
    /// The same with symbols and line numbers, for backtraces.
    pub debug_path: PathBuf,
    /// Files that it was made from, without those of packages from a registry or a repository.
    pub sources: Vec<PathBuf>,
    /// Size of the image, in bytes.
    pub bytes: u64,
    /// SHA-256 of the image, in hexadecimal.
    pub sha256: String,
    /// Whether the image was already there.
    pub fresh: bool,
}

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The linker's input could not be made.
    #[error(transparent)]
    LinkInput(#[from] link::LinkInputError),
    /// The function does not compile.
    #[error(transparent)]
    Compile(#[from] compile::CompileError),
    /// What cargo made cannot be read.
    #[error("{path} cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// The image cannot be sealed.
    #[error("the image of {name:?} cannot be sealed: {why}")]
    Seal {
        /// The function.
        name: String,
        /// What went wrong.
        why: seal::SealError,
    },
    /// The image cannot be stripped.
    #[error("the image of {name:?} cannot be stripped: {why}")]
    Strip {
        /// The function.
        name: String,
        /// What went wrong.
        why: strip::StripError,
    },
    /// The image breaks a rule.
    #[error("the image of {name:?} is not sound: {why}")]
    Check {
        /// The function.
        name: String,
        /// The rule.
        why: check::CheckError,
    },
    /// The image cannot be put in place.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Builds the image of `function` in `folder`.
pub fn build(
    project: &Project,
    function: &Function,
    profile: Profile,
    folder: &Path,
    console: Console,
) -> Result<Built, BuildError> {
    let name = || function.name.clone();
    let arguments = link::arguments(project, function)?;
    let compiled = compile::compile(project, function, profile, &arguments, console)?;
    let read = |why| BuildError::Read { path: compiled.path.clone(), why };
    let mut unstripped = fs::read(&compiled.path).map_err(read)?;
    seal::seal(&mut unstripped).map_err(|why| BuildError::Seal { name: name(), why })?;
    let image = strip::strip(&unstripped).map_err(|why| BuildError::Strip { name: name(), why })?;
    check::check(&image).map_err(|why| BuildError::Check { name: name(), why })?;
    let path = folder.join(&function.name).with_extension("elf");
    let debug_path = folder.join(&function.name).with_extension("debug");
    // Both are whole before either takes its place, so that an image and its twin belong together;
    // the twin first: whoever sees the new image finds its symbols too.
    let (twin, sealed) = (stage(&debug_path, &unstripped)?, stage(&path, &image)?);
    let written = [twin.put()?, sealed.put()?];
    Ok(Built {
        sources: sources::of(project, function, &compiled.path).map_err(read)?,
        path,
        debug_path,
        bytes: image.len() as u64,
        sha256: sha256(&image),
        fresh: compiled.fresh && written == [false, false],
    })
}

/// SHA-256 of a file's bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// An object file for tests, and where its section of notes begins.
#[cfg(test)]
pub fn sample() -> (Vec<u8>, usize) {
    let object = note::object_file(&Default::default()).expect("a small object");
    let notes =
        elf::section(&elf::parse(&object).expect("an ELF file"), ampoule_abi::note::SECTION);
    let start = notes.and_then(|section| section.file).expect("notes").start as usize;
    (object, start)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
