//! Whether artifacts are what they are said to be: by their checksums, their manifests, the statements
//! about them, a signature, and as images.
//!
//! Any bytes end in [`Verified`] or in the first difference. Whoever names a key believes nothing that is not
//! signed with it.

mod alone;
mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::dsse::{Envelope, Key};
use super::manifest::{self, Manifest};
use super::statement::{PAYLOAD_TYPE, PREDICATE_TYPE, Statement, TYPE};
use super::sums::{self, Sums, is_inside};
use super::tree::{self, Files};
use super::{ENVELOPE_SUFFIX, IMAGE_SUFFIX, MANIFEST, STATEMENT_SUFFIX, SUMS, SUMS_ENVELOPE};
use crate::digest::Digest;
use crate::foreign::clip;
use crate::image::Image;
pub use error::VerifyError;

/// What a signed list of checksums is, for [`dsse`](super::dsse).
pub const SUMS_PAYLOAD_TYPE: &str = "application/vnd.ampoule.sha256sums";

/// What was found to be as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The functions, each by the name and the version that its image has.
    pub functions: Vec<String>,
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

/// Verifies a folder of artifacts, a function's folder in one, or an image.
pub fn verify(path: &Path, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let kind = std::fs::metadata(path).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => VerifyError::NotFound { path: path.into() },
        _ => VerifyError::Unreadable { path: path.into(), why },
    })?;
    if !kind.is_dir() {
        return alone::image(path, key);
    }
    let found = Files::of(path)?;
    if found.has(SUMS) {
        return release(found, key);
    }
    check_around(&found, key)?;
    if !found.has(MANIFEST) {
        return Err(VerifyError::NoArtifacts { path: path.into() });
    }
    let files = found.count();
    let function = Folder { found }.verify(None, key)?;
    Ok(Verified { functions: vec![function], files, alone: None })
}

/// How a function is called where it is told what was verified.
fn named(image: &Image) -> String {
    format!("{} {}", image.note().name, image.note().version)
}

/// A folder with checksums of all that is in it.
fn release(mut found: Files, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let (list, envelope) = (found.folder().join(SUMS), found.folder().join(SUMS_ENVELOPE));
    let files = found.count();
    found.remove(SUMS);
    let is_sealed = found.remove(SUMS_ENVELOPE);
    // Before anything is read that may be long.
    let signed = (is_sealed || key.is_some()).then(|| open(&envelope, SUMS_PAYLOAD_TYPE, key));
    let (signed, text) = (signed.transpose()?, tree::read(&list)?);
    if let Some(signed) = signed {
        same(&list, SUMS_ENVELOPE, &signed, &text)?;
    }
    // The list is one way only of writing what it says, so that no change of it is none.
    let canonical = match read_sums(&text) {
        Ok(expected) => {
            compare(SUMS, &expected, &found)?;
            sums::write(&expected)
        }
        Err(_) => sums::write(&found.sums()?),
    };
    same(&list, "the folder", canonical.as_bytes(), &text)?;
    let names = found.paths().filter_map(|path| path.strip_suffix(MANIFEST)?.strip_suffix('/'));
    let mut functions = Vec::new();
    for name in names.filter(|name| !name.contains('/')) {
        functions.push(Folder { found: found.below(name) }.verify(Some(name), key)?);
    }
    if functions.is_empty() {
        return Err(VerifyError::NoFunction { path: list });
    }
    Ok(Verified { functions, files, alone: None })
}

fn read_sums(text: &[u8]) -> Result<Sums, String> {
    let text = std::str::from_utf8(text).map_err(|why| why.to_string())?;
    sums::read(text).map_err(|why| why.to_string())
}

/// What of it lies in a folder, by its path from there.
fn below(sums: &Sums, name: &str) -> Sums {
    let inner = |path: &str| Some(path.strip_prefix(name)?.strip_prefix('/')?.to_owned());
    sums.iter().filter_map(|(path, digest)| Some((inner(path)?, *digest))).collect()
}

/// Compares a function's folder with the checksums of the folder around it, if that has any.
fn check_around(found: &Files, key: Option<&Key>) -> Result<(), VerifyError> {
    let real = real(found.folder())?;
    let Some((around, name)) = real.parent().zip(real.file_name()) else { return Ok(()) };
    let Some(listed) = listed_in(around, key)? else { return Ok(()) };
    let expected = below(&listed, &name.to_string_lossy());
    // What neither is one nor is called one is told as that.
    let is_none = expected.is_empty() && !found.has(MANIFEST);
    if is_none { Ok(()) } else { compare(SUMS, &expected, found) }
}

/// What the checksums in a folder list; `None` if there are none, or none that are signed with the key.
fn listed_in(folder: &Path, key: Option<&Key>) -> Result<Option<Sums>, VerifyError> {
    let path = folder.join(SUMS);
    let signed = match key.map(|_| open(&folder.join(SUMS_ENVELOPE), SUMS_PAYLOAD_TYPE, key)) {
        None => None,
        Some(Ok(signed)) => Some(signed),
        // Whoever has written it, it says nothing.
        Some(Err(_)) => return Ok(None),
    };
    let Some(text) = read_if_there(&path)? else { return Ok(None) };
    if let Some(signed) = signed {
        same(&path, SUMS_ENVELOPE, &signed, &text)?;
    }
    let damaged = |why| VerifyError::Damaged { path, found: Digest::of(&text), why };
    read_sums(&text).map(Some).map_err(damaged)
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
struct Folder {
    /// What is in it.
    found: Files,
}

impl Folder {
    /// Verifies it, under this name if it has to have one, and says which function it is.
    fn verify(mut self, name: Option<&str>, key: Option<&Key>) -> Result<String, VerifyError> {
        let folder = self.found.folder().to_owned();
        let at = folder.join(MANIFEST);
        let manifest: Manifest = document(&at, &tree::read(&at)?)?;
        check_manifest(&at, &manifest, name)?;
        let name = &manifest.name;
        let stated = self.state(name, key)?;
        compare("the statement about it", &stated, &self.found)?;
        self.found.remove(MANIFEST);
        compare(MANIFEST, &listed(&at, &manifest)?, &self.found)?;
        for file in &manifest.files {
            check_length(&at, &folder.join(&file.path), file)?;
        }
        let path = folder.join(format!("{name}{IMAGE_SUFFIX}"));
        let image = Image::open(&path)?;
        alone::agree(&path, &image, &manifest)?;
        Ok(named(&image))
    }

    /// What the statement in it says of its files, but for itself and its envelope.
    fn state(&mut self, name: &str, key: Option<&Key>) -> Result<Sums, VerifyError> {
        let statement = format!("{name}{STATEMENT_SUFFIX}");
        let envelope = format!("{name}{ENVELOPE_SUFFIX}");
        let folder = self.found.folder();
        let (path, sealed) = (folder.join(&statement), folder.join(&envelope));
        self.found.remove(&statement);
        let is_sealed = self.found.remove(&envelope);
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
        format!("its schema is {:?}, but this launcher knows {:?}", clip(schema), manifest::SCHEMA)
    } else if !is_inside(own) || own.contains('/') {
        format!("{:?} is no name of a function", clip(own))
    } else if let Some(name) = name.filter(|name| name != own) {
        format!("it is that of {:?}, but lies in the folder {name:?}", clip(own))
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
        let why = clip(&why.to_string());
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

/// The first difference of what is in a folder from a list of it; what follows that is not read.
fn compare(by: &'static str, expected: &Sums, found: &Files) -> Result<(), VerifyError> {
    let paths: BTreeSet<&String> = expected.keys().chain(found.paths()).collect();
    for path in paths {
        let (expected, digest) = (expected.get(path).copied(), found.digest(path)?);
        if expected != digest {
            let path = found.folder().join(path);
            return Err(VerifyError::Differs { path, by, expected, found: digest });
        }
    }
    Ok(())
}
