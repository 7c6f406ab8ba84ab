//! Whether artifacts are what they are said to be: by their checksums, their manifests, the statements
//! about them, a signature, and as images.
//!
//! Any bytes end in [`Verified`] or in the first difference. Whoever names a key believes nothing that is not
//! signed with it.

mod alone;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use super::dsse::{Envelope, EnvelopeError, Key};
use super::manifest::{self, Manifest};
use super::statement::{PAYLOAD_TYPE, PREDICATE_TYPE, Statement, TYPE};
use super::sums::{self, Sums, is_inside};
use super::{ENVELOPE_SUFFIX, IMAGE_SUFFIX, MANIFEST, STATEMENT_SUFFIX, SUMS, SUMS_ENVELOPE, tree};
use crate::digest::Digest;
use crate::image::{Image, OpenError};

/// What a signed list of checksums is, for [`dsse`](super::dsse).
pub const SUMS_PAYLOAD_TYPE: &str = "application/vnd.ampoule.sha256sums";

/// What was found to be as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many functions.
    pub functions: usize,
    /// How many files.
    pub files: usize,
    /// Of an image alone, what it was checked by; of a folder that is known.
    pub alone: Option<Checks>,
}

/// What an image alone was checked by, beside what makes it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Whether it is a bundle.
    pub is_bundle: bool,
    /// Whether it has a seal, which tells damage, and nothing of where it is from.
    pub is_sealed: bool,
    /// The files that say what it should be.
    pub by: Vec<&'static str>,
}

/// The first difference.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such file or folder.
    #[error(
        "there is nothing at {}: make it with `cargo xtask dist`, or check the path",
        shown(path)
    )]
    NotFound {
        /// The file or folder.
        path: PathBuf,
    },
    /// Something cannot be read.
    #[error("cannot read {}: {why}", shown(path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A folder of another kind.
    #[error(
        "{} holds neither {SUMS} nor {MANIFEST}: name a folder that `cargo xtask dist` made",
        shown(path)
    )]
    NoArtifacts {
        /// The folder.
        path: PathBuf,
    },
    /// Something other than a file or a folder.
    #[error(
        "{} is not a regular file with a name in UTF-8, of which alone artifacts consist",
        shown(path)
    )]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what was said of it, or is there and should not, or the other way round.
    #[error(
        "{} is not what {by} says: expected {}, found {}",
        shown(path),
        told(expected),
        told(found)
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// Where it is said what it is.
        by: &'static str,
        /// Its digest by that; `None` if it is not named there.
        expected: Option<Digest>,
        /// Its digest; `None` if there is no such file.
        found: Option<Digest>,
    },
    /// A file that others are checked with cannot be made sense of.
    #[error("{} ({found}) cannot be believed: {why}", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// What is wrong.
        why: String,
    },
    /// There is a key, and no signature.
    #[error(
        "{} is not there, and so nothing is signed: `cargo xtask dist --sign KEY` signs",
        shown(path)
    )]
    NotSigned {
        /// The envelope that is missing.
        path: PathBuf,
    },
    /// The signature is another's, or of other bytes.
    #[error("{} is not signed as asked: {why}", shown(path))]
    Signature {
        /// The envelope.
        path: PathBuf,
        /// What is wrong with it.
        why: EnvelopeError,
    },
    /// The image cannot be run.
    #[error(transparent)]
    Image(#[from] OpenError),
    /// The image says something else of itself than its manifest.
    #[error("{} says that its {what} is {found}, but {MANIFEST} says {expected}", shown(path))]
    Disagrees {
        /// The image.
        path: PathBuf,
        /// What they do not agree on.
        what: &'static str,
        /// What the manifest says.
        expected: String,
        /// What the image says.
        found: String,
    },
}

/// A path on a line of its own: a name may hold anything, such as what a terminal obeys.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

fn told(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
}

/// Verifies a folder of artifacts, a function's folder in one, or an image.
pub fn verify(path: &Path, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let kind = std::fs::metadata(path).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => VerifyError::NotFound { path: path.into() },
        _ => VerifyError::Unreadable { path: path.into(), why },
    })?;
    if !kind.is_dir() {
        return alone::image(path, key);
    }
    let found = tree::sums(path)?;
    if found.contains_key(SUMS) {
        return release(path, found, key);
    }
    check_around(path, &found)?;
    if !found.contains_key(MANIFEST) {
        return Err(VerifyError::NoArtifacts { path: path.into() });
    }
    let files = found.len();
    Folder { path, found }.verify(None, key)?;
    Ok(Verified { functions: 1, files, alone: None })
}

/// A folder with checksums of all that is in it.
fn release(path: &Path, mut found: Sums, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let (list, envelope) = (path.join(SUMS), path.join(SUMS_ENVELOPE));
    let files = found.len();
    found.remove(SUMS);
    let is_sealed = found.remove(SUMS_ENVELOPE).is_some();
    let text = tree::read(&list)?;
    if is_sealed || key.is_some() {
        let signed = open(&envelope, SUMS_PAYLOAD_TYPE, key)?;
        same(&list, SUMS_ENVELOPE, &signed, &text)?;
    }
    let expected = std::str::from_utf8(&text).map_err(|why| why.to_string());
    let expected = expected.and_then(|text| sums::read(text).map_err(|why| why.to_string()));
    // The list is one way only of writing what it says, so that no change of it is none.
    let canonical = sums::write(expected.as_ref().unwrap_or(&found));
    if let Ok(expected) = &expected {
        compare(path, SUMS, expected, &found)?;
    }
    same(&list, "the folder", canonical.as_bytes(), &text)?;
    let names: Vec<String> = found
        .keys()
        .filter_map(|path| path.strip_suffix(MANIFEST)?.strip_suffix('/').map(str::to_owned))
        .filter(|name| !name.contains('/'))
        .collect();
    for name in &names {
        let found = below(&found, name);
        Folder { path: &path.join(name), found }.verify(Some(name), key)?;
    }
    Ok(Verified { functions: names.len(), files, alone: None })
}

/// What of it lies in a folder, by its path from there.
fn below(sums: &Sums, name: &str) -> Sums {
    let inner = |path: &str| Some(path.strip_prefix(name)?.strip_prefix('/')?.to_owned());
    sums.iter().filter_map(|(path, digest)| Some((inner(path)?, *digest))).collect()
}

/// Compares a function's folder with the checksums of the folder around it, if that has any.
fn check_around(path: &Path, found: &Sums) -> Result<(), VerifyError> {
    let real = real(path)?;
    let Some((around, name)) = real.parent().zip(real.file_name()) else { return Ok(()) };
    let Some(listed) = listed_in(around)? else { return Ok(()) };
    let expected = below(&listed, &name.to_string_lossy());
    // What neither is one nor is called one is told as that.
    let is_none = expected.is_empty() && !found.contains_key(MANIFEST);
    if is_none { Ok(()) } else { compare(path, SUMS, &expected, found) }
}

/// What the checksums in a folder list; `None` if there are none.
fn listed_in(folder: &Path) -> Result<Option<Sums>, VerifyError> {
    let path = folder.join(SUMS);
    let Some(text) = read_if_there(&path)? else { return Ok(None) };
    let damaged = |why| VerifyError::Damaged { path, found: Digest::of(&text), why };
    let listed = std::str::from_utf8(&text).map_err(|why| why.to_string());
    let listed = listed.and_then(|text| sums::read(text).map_err(|why| why.to_string()));
    listed.map(Some).map_err(damaged)
}

/// A file's bytes; `None` only if there is nothing of that name.
fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    match tree::read(path) {
        Err(VerifyError::Unreadable { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn real(path: &Path) -> Result<PathBuf, VerifyError> {
    path.canonicalize().map_err(|why| VerifyError::Unreadable { path: path.into(), why })
}

/// A function's folder.
struct Folder<'a> {
    path: &'a Path,
    /// What is in it.
    found: Sums,
}

impl Folder<'_> {
    /// Verifies it, under this name if it has to have one.
    fn verify(mut self, name: Option<&str>, key: Option<&Key>) -> Result<(), VerifyError> {
        let at = self.path.join(MANIFEST);
        let manifest: Manifest = document(&at, &tree::read(&at)?)?;
        check_manifest(&at, &manifest, name)?;
        let name = &manifest.name;
        let stated = self.state(name, key)?;
        compare(self.path, "the statement about it", &stated, &self.found)?;
        self.found.remove(MANIFEST);
        compare(self.path, MANIFEST, &listed(&at, &manifest)?, &self.found)?;
        for file in &manifest.files {
            check_length(&at, &self.path.join(&file.path), file)?;
        }
        let path = self.path.join(format!("{name}{IMAGE_SUFFIX}"));
        alone::agree(&path, &Image::open(&path)?, &manifest)
    }

    /// What the statement in it says of its files, but for itself and its envelope.
    fn state(&mut self, name: &str, key: Option<&Key>) -> Result<Sums, VerifyError> {
        let statement = format!("{name}{STATEMENT_SUFFIX}");
        let envelope = format!("{name}{ENVELOPE_SUFFIX}");
        let (path, sealed) = (self.path.join(&statement), self.path.join(&envelope));
        self.found.remove(&statement);
        let is_sealed = self.found.remove(&envelope).is_some();
        let text = tree::read(&path)?;
        if is_sealed || key.is_some() {
            same(&path, "its envelope", &open(&sealed, PAYLOAD_TYPE, key)?, &text)?;
        }
        stated(&path, &text)
    }
}

fn check_manifest(path: &Path, manifest: &Manifest, name: Option<&str>) -> Result<(), VerifyError> {
    let Manifest { schema, name: own, .. } = manifest;
    let why = if *schema != manifest::SCHEMA {
        format!("its schema is {schema:?}, but this launcher knows {:?}", manifest::SCHEMA)
    } else if !is_inside(own) || own.contains('/') {
        format!("{own:?} is no name of a function")
    } else if let Some(name) = name.filter(|name| name != own) {
        format!("it is that of {own:?}, but lies in the folder {name:?}")
    } else {
        return Ok(());
    };
    Err(VerifyError::Damaged { path: path.into(), found: tree::digest(path)?, why })
}

/// The files that a manifest lists, each once.
fn listed(path: &Path, manifest: &Manifest) -> Result<Sums, VerifyError> {
    let entry = |file: &manifest::File| (file.path.clone(), file.sha256);
    let listed: Sums = manifest.files.iter().map(entry).collect();
    if listed.len() == manifest.files.len() {
        return Ok(listed);
    }
    let why = "it lists one file twice".to_owned();
    Err(VerifyError::Damaged { path: path.into(), found: tree::digest(path)?, why })
}

/// Whether a file that has the digest it should has the length too that its manifest says.
fn check_length(
    manifest: &Path,
    path: &Path,
    expected: &manifest::File,
) -> Result<(), VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: path.into(), why };
    let bytes = std::fs::symlink_metadata(path).map_err(unreadable)?.len();
    if bytes == expected.bytes {
        return Ok(());
    }
    let why = format!("{:?} has {bytes} bytes, not {}", expected.path, expected.bytes);
    Err(VerifyError::Damaged { path: manifest.into(), found: tree::digest(manifest)?, why })
}

/// What is in an envelope.
fn open(path: &Path, kind: &'static str, key: Option<&Key>) -> Result<Vec<u8>, VerifyError> {
    let text = read_if_there(path)?;
    let text = text.ok_or_else(|| VerifyError::NotSigned { path: path.into() })?;
    let envelope: Envelope = document(path, &text)?;
    envelope.open(kind, key).map_err(|why| VerifyError::Signature { path: path.into(), why })
}

/// What a statement says of its files.
fn stated(path: &Path, text: &[u8]) -> Result<Sums, VerifyError> {
    let statement: Statement<serde::de::IgnoredAny> = document(path, text)?;
    let damaged = |why| VerifyError::Damaged { path: path.into(), found: Digest::of(text), why };
    if (&*statement.kind, &*statement.predicate_type) != (TYPE, PREDICATE_TYPE) {
        return Err(damaged(format!("it is not {TYPE:?} with {PREDICATE_TYPE:?}")));
    }
    statement.sums().ok_or_else(|| damaged("it is about one file twice".to_owned()))
}

fn document<T: serde::de::DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, VerifyError> {
    serde_json::from_slice(text).map_err(|why| {
        let why = why.to_string();
        VerifyError::Damaged { path: path.into(), found: Digest::of(text), why }
    })
}

/// Whether a file has the bytes that it should.
fn same(path: &Path, by: &'static str, expected: &[u8], found: &[u8]) -> Result<(), VerifyError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (Some(Digest::of(expected)), Some(Digest::of(found)));
    Err(VerifyError::Differs { path: path.into(), by, expected, found })
}

/// The first difference of two lists of files in a folder.
fn compare(
    folder: &Path,
    by: &'static str,
    expected: &Sums,
    found: &Sums,
) -> Result<(), VerifyError> {
    let mut paths: Vec<&String> = expected.keys().chain(found.keys()).collect();
    paths.sort();
    for path in paths {
        let (expected, found) = (expected.get(path).copied(), found.get(path).copied());
        if expected != found {
            return Err(VerifyError::Differs { path: folder.join(path), by, expected, found });
        }
    }
    Ok(())
}
