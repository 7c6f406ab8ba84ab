//! From a function's source to its image.
//!
//! ```text
//! settings (spec) -> compile, with the linker's input (link, note)
//!   -> seal -> strip, with the list of crates (linked, crates, audit) -> check -> publish
//! ```
//!
//! Everything before `publish` leaves the function's last good image as it was.

pub mod audit;
pub mod canonical;
mod check;
pub mod compile;
mod crates;
pub mod dependency;
mod diagnose;
pub mod elf;
mod link;
pub mod linked;
pub mod note;
mod page_tables;
mod seal;
mod sources;
pub mod spec;
mod strip;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ampoule_boot::digest::Digest;
use cargo_metadata::PackageId;

use crate::cargo::Executable;
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
    /// SHA-256 of the image.
    pub sha256: Digest,
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
    /// It cannot be told what is linked into the image.
    #[error("the image of {name:?} cannot list its crates")]
    Crates {
        /// The function.
        name: String,
        /// Why not.
        #[source]
        why: dependency::MetadataError,
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

/// An image that is finished, and not on disk yet.
pub struct Sealed {
    /// The image.
    pub image: Vec<u8>,
    /// The same with symbols and line numbers.
    pub twin: Vec<u8>,
    /// Whether nothing had to be compiled.
    pub fresh: bool,
    /// The packages of all that was compiled for it, macros and build scripts as well.
    pub packages: BTreeSet<PackageId>,
    /// The files that it was made from.
    pub sources: Vec<PathBuf>,
}

/// Makes the image of `function`.
pub fn make(
    project: &Project,
    function: &Function,
    profile: Profile,
    console: Console,
) -> Result<Sealed, BuildError> {
    let name = || function.name.clone();
    let arguments = link::arguments(project, function)?;
    let compiled = compile::compile(project, function, profile, &arguments, console)?;
    let Executable { path, fresh } = compiled.executable;
    let read = |why| BuildError::Read { path: path.clone(), why };
    let mut twin = fs::read(&path).map_err(read)?;
    let sources = sources::of(project, function, &path).map_err(read)?;
    seal::seal(&mut twin).map_err(|why| BuildError::Seal { name: name(), why })?;
    let crates = crates::section(project, function, &compiled.packages)
        .map_err(|why| BuildError::Crates { name: name(), why })?;
    let image =
        strip::strip(&twin, &crates).map_err(|why| BuildError::Strip { name: name(), why })?;
    check::check(&image).map_err(|why| BuildError::Check { name: name(), why })?;
    Ok(Sealed { image, twin, fresh, packages: compiled.packages, sources })
}

/// Builds the image of `function` in `folder`.
pub fn build(
    project: &Project,
    function: &Function,
    profile: Profile,
    folder: &Path,
    console: Console,
) -> Result<Built, BuildError> {
    let made = make(project, function, profile, console)?;
    let path = folder.join(&function.name).with_extension("elf");
    let debug_path = folder.join(&function.name).with_extension("debug");
    // Both are whole before either takes its place, so that an image and its twin belong together;
    // the twin first: whoever sees the new image finds its symbols too.
    let (twin, sealed) = (stage(&debug_path, &made.twin)?, stage(&path, &made.image)?);
    let written = [twin.put()?, sealed.put()?];
    Ok(Built {
        sources: made.sources,
        path,
        debug_path,
        bytes: made.image.len() as u64,
        sha256: Digest::of(&made.image),
        fresh: made.fresh && written == [false, false],
    })
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
