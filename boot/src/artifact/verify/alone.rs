//! One file, an image or a bundle, with what lies beside it and around it.

use std::fs::File;
use std::path::Path;

use super::super::manifest::Manifest;
use super::super::{ENVELOPE_SUFFIX, IMAGE_SUFFIX, MANIFEST, SUMS, tree};
use super::{Checks, Digest, Key, PAYLOAD_TYPE, Verified, VerifyError};
use super::{
    below, check_length, check_manifest, document, listed, listed_in, open, read_if_there,
};
use super::{real, stated};
use crate::image::{Image, seal};

/// What a signed statement is called where it is told what an image was checked by.
const SIGNED: &str = "the signed statement about it";

/// Verifies an image by all that is said of it.
pub(super) fn image(path: &Path, key: Option<&Key>) -> Result<Verified, VerifyError> {
    let real = real(path)?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = real.parent().unwrap_or(Path::new("/"));
    let stem = name.strip_suffix(IMAGE_SUFFIX).unwrap_or(&name);
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
    if key.is_some() {
        let envelope = folder.join(format!("{stem}{ENVELOPE_SUFFIX}"));
        let payload = open(&envelope, PAYLOAD_TYPE, key)?;
        check(SIGNED, stated(&envelope, &payload)?.get(&name))?;
    }
    let at = folder.join(MANIFEST);
    let manifest = read_if_there(&at)?.map(|text| document::<Manifest>(&at, &text)).transpose()?;
    // A folder may hold images of others too.
    let manifest = manifest.filter(|manifest| manifest.name == stem);
    if let Some(manifest) = &manifest {
        check_manifest(&at, manifest, None)?;
        check(MANIFEST, listed(&at, manifest)?.get(&name))?;
        for file in manifest.files.iter().filter(|file| file.path == name) {
            check_length(&at, &real, file)?;
        }
    }
    if let Some((around, inner)) = folder.parent().zip(folder.file_name()) {
        let listed = below(&listed_in(around)?.unwrap_or_default(), &inner.to_string_lossy());
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
    Ok(Verified { functions: 1, files: 1, alone: Some(checks) })
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
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            return Err(VerifyError::Disagrees { path: path.into(), what, expected, found });
        }
    }
    Ok(())
}
