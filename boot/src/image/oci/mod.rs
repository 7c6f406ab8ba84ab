//! Images in OCI layouts: a folder, or an archive of one (image-spec 1.1, image-layout).
//!
//! ```text
//! reference -> index.json -> manifest -> configuration and layer -> the image's bytes -> Image
//! ```
//!
//! Nothing is unpacked, and nothing is used before its size and its digest are those it is named by.
//! Layouts are hostile: any bytes end in an [`Image`] or an [`OciError`], in bounded memory.

mod blob;
mod documents;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod layer;
pub mod names;
mod reference;
#[cfg(any(test, fuzzing))]
mod sample;
mod store;
mod tar;
#[cfg(test)]
mod tests;

use names::{INDEX_FILE, LAYOUT_FILE};

use documents::{Config, Descriptor, Index, LayoutFile, Manifest};
use store::Store;

pub use error::OciError;
pub use reference::{Reference, ReferenceError};

use super::{Image, MAX_IMAGE_BYTES};
use crate::foreign::clip;

/// Largest document that is read, in bytes; registries refuse larger manifests too.
const MAX_DOCUMENT_BYTES: u64 = 4 << 20;
/// Largest layer that is read, in bytes: an image, and the same once more beside a launcher.
const MAX_LAYER_BYTES: u64 = 3 * MAX_IMAGE_BYTES;

/// Opens and checks the image that `reference` names.
pub fn open(reference: &Reference) -> Result<Image, OciError> {
    let store = Store::open(&reference.path)?;
    let bytes = read(&store, reference)?;
    Image::from_bytes(bytes)
        .map_err(|source| OciError::Image { path: reference.path.clone(), source })
}

/// The bytes of the function's image.
fn read(store: &Store, reference: &Reference) -> Result<Vec<u8>, OciError> {
    let layout: LayoutFile = store.parsed(LAYOUT_FILE, &store.document(LAYOUT_FILE)?)?;
    layout.check().map_err(|why| store.wrong(LAYOUT_FILE, why))?;
    let index: Index = store.parsed(INDEX_FILE, &store.document(INDEX_FILE)?)?;
    index.check().map_err(|why| store.wrong(INDEX_FILE, why))?;
    let entry = choose(store, &index, reference)?;
    entry.expect_type(names::MANIFEST).map_err(|why| store.wrong(INDEX_FILE, why))?;
    let manifest_file = entry.file().map_err(|why| store.wrong(INDEX_FILE, why))?;
    let manifest: Manifest = store.parsed(&manifest_file, &blob::document(store, entry)?)?;
    let layer = manifest.layer().map_err(|why| store.wrong(&manifest_file, why))?;
    let config_file = manifest.config.file().map_err(|why| store.wrong(&manifest_file, why))?;
    layer.file().map_err(|why| store.wrong(&manifest_file, why))?;
    let config: Config = store.parsed(&config_file, &blob::document(store, &manifest.config)?)?;
    let path = config.image(layer).map_err(|why| store.wrong(&config_file, why))?;
    let image = layer::file(store, layer, path)?;
    // Whoever cut it may have cut off more than is needed here.
    if store.is_cut() { Err(OciError::Cut { path: store.path().to_owned() }) } else { Ok(image) }
}

/// The entry of the index that the reference names, or the only one.
fn choose<'a>(
    store: &Store,
    index: &'a Index,
    reference: &Reference,
) -> Result<&'a Descriptor, OciError> {
    let Reference { name, digest, .. } = reference;
    let is_named =
        |entry: &&Descriptor| name.as_deref().is_none_or(|name| entry.name() == Some(name));
    let is_pinned = |entry: &&Descriptor| digest.as_ref().is_none_or(|it| entry.digest == *it);
    let mut named = index.manifests.iter().filter(is_named);
    let mut meant = named.clone().filter(is_pinned);
    let names = || index.manifests.iter().filter_map(Descriptor::name).map(str::to_owned).collect();
    let path = store.path().to_owned();
    let Some(entry) = meant.next() else {
        return Err(match (named.next().filter(|_| name.is_some()), digest) {
            (Some(other), Some(expected)) => {
                let found = clip(&other.digest);
                OciError::Pinned { path, expected: expected.clone(), found }
            }
            _ => OciError::NoSuchImage { path, wanted: reference.wanted(), names: names() },
        });
    };
    // One manifest under several names is still one image.
    let Some(other) = meant.find(|other| other.digest != entry.digest) else { return Ok(entry) };
    // Where all have one name, to name it is no advice.
    let only = entry.name().filter(|only| index.manifests.iter().all(|it| it.name() == Some(only)));
    let Some(name) = name.as_deref().or(only) else {
        return Err(OciError::Ambiguous { path, names: names() });
    };
    let (first, second) = (clip(&entry.digest), clip(&other.digest));
    Err(OciError::SameName { path, name: clip(name), first, second })
}
