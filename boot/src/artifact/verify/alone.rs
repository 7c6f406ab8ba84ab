//! One file, an image or a bundle, with what lies beside it and around it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::manifest::{self, Manifest};
use super::super::sums::Sums;
use super::super::{ENVELOPE_SUFFIX, IMAGE_SUFFIX, MANIFEST, SUMS, tree};
use super::{Checks, Digest, Key, PAYLOAD_TYPE, Verified, VerifyError};
use super::{
    below, check_length, check_manifest, document, listed, listed_in, open, read_if_there,
};
use super::{named, real, stated};
use crate::foreign::clip;
use crate::image::{Image, seal};

/// What a signed statement is called where it is told what an image was checked by.
const SIGNED: &str = "the signed statement about it";

/// Verifies an image by all that is said of it.
pub(super) fn image(path: &Path, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let (folder, name) = place(path)?;
    let real = folder.join(&name);
    let stem = name.strip_suffix(IMAGE_SUFFIX).unwrap_or(&name);
    // Before anything is read that may be long.
    let signed = key.map(|key| signed(&folder, stem, key)).transpose()?;
    let found = tree::digest(&real)?;
    let mut checked = Vec::new();
    let mut check = |by, expected: Option<&Digest>| match expected {
        Some(&expected) if expected == found => {
            checked.push(by);
            Ok(())
        }
        expected => Err(VerifyError::Differs {
            path: path.into(),
            by,
            expected: expected.copied(),
            found: Some(found),
        }),
    };
    if let Some(stated) = &signed {
        check(SIGNED, stated.get(&name))?;
    }
    let at = folder.join(MANIFEST);
    let manifest = manifest(&at, stem, signed.as_ref())?;
    if let Some(manifest) = &manifest {
        check(MANIFEST, listed(&at, manifest)?.get(&name))?;
        for file in manifest.files.iter().filter(|file| file.path == name) {
            check_length(&at, &real, file)?;
        }
    }
    if let Some((around, inner)) = folder.parent().zip(folder.file_name()) {
        let listed = listed_in(around, key)?.unwrap_or_default();
        let listed = below(&listed, &inner.to_string_lossy());
        // A list that does not know the folder is about something else.
        if !listed.is_empty() {
            check(SUMS, listed.get(&name))?;
        }
    }
    let image = Image::open(path)?;
    manifest.map_or(Ok(()), |manifest| agree(path, &image, &manifest))?;
    let checks = Checks {
        // The image in one is no file.
        is_bundle: image.path().is_none(),
        is_sealed: is_sealed(&real)?,
        by: checked,
    };
    Ok(Verified { functions: vec![named(&image)], files: 1, alone: Some(checks) })
}

/// The real folder of a file, and the name that it is given there: a link's own, since what it leads to
/// is something else by its.
fn place(path: &Path) -> Result<(PathBuf, String), VerifyError> {
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| VerifyError::NotAFile { path: path.into() })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((real(folder.unwrap_or(Path::new(".")))?, name.to_owned()))
}

/// What is signed of the files in a folder, by the statement about a function.
fn signed(folder: &Path, stem: &str, key: &Key) -> Result<Sums, VerifyError> {
    let envelope = folder.join(format!("{stem}{ENVELOPE_SUFFIX}"));
    stated(&envelope, &open(&envelope, PAYLOAD_TYPE, Some(key))?)
}

/// The manifest beside an image, if it is its own; where a statement is `signed`, only if that is about
/// the manifest too.
fn manifest(at: &Path, stem: &str, signed: Option<&Sums>) -> Result<Option<Manifest>, VerifyError> {
    let Some(text) = read_if_there(at)? else { return Ok(None) };
    // What many programs call theirs, too.
    if !manifest::is_one(&text) {
        return Ok(None);
    }
    let manifest: Manifest = document(at, &text)?;
    // A folder may hold images of others too.
    if manifest.name != stem {
        return Ok(None);
    }
    let found = Digest::of(&text);
    match signed.map(|signed| signed.get(MANIFEST).copied()) {
        Some(None) => return Ok(None),
        Some(Some(expected)) if expected != found => {
            let (path, by) = (at.into(), SIGNED);
            let (expected, found) = (Some(expected), Some(found));
            return Err(VerifyError::Differs { path, by, expected, found });
        }
        _ => {}
    }
    check_manifest(at, &manifest, None)?;
    Ok(Some(manifest))
}

fn is_sealed(path: &Path) -> Result<bool, VerifyError> {
    let compared = File::open(path).and_then(|file| seal::compare(&file));
    let compared = compared.map_err(|why| VerifyError::Unreadable { path: path.into(), why })?;
    Ok(compared.is_some())
}

/// Whether an image says of itself what its manifest says.
pub(super) fn agree(path: &Path, image: &Image, manifest: &Manifest) -> Result<(), VerifyError> {
    let (note, settings) = (image.note(), &manifest.settings);
    let timeout_ms = settings.timeout_ms.unwrap_or(0);
    for (what, expected, found) in [
        ("name", manifest.name.clone(), note.name.clone()),
        ("version", manifest.version.clone(), note.version.clone()),
        ("ABI version", manifest.abi_version.to_string(), note.abi_version.to_string()),
        ("memory", settings.memory_bytes.to_string(), note.memory_bytes.to_string()),
        ("stack", settings.stack_bytes.to_string(), note.stack_bytes.to_string()),
        ("timeout", timeout_ms.to_string(), note.timeout_ms.to_string()),
        ("list of event modes", settings.event_modes.join(", "), note.event_modes.join(", ")),
        ("list of capabilities", settings.capabilities.join(", "), note.capabilities.join(", ")),
    ] {
        if expected != found {
            let [expected, found] = [expected, found].map(|text| format!("{:?}", clip(&text)));
            return Err(VerifyError::Disagrees { path: path.into(), what, expected, found });
        }
    }
    Ok(())
}
