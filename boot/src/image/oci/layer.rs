//! One file of a layer, taken out while the layer is digested, so that what is used is what was checked.

use std::io::{self, ErrorKind, Read};

use super::blob::Blob;
use super::documents::Descriptor;
use super::store::Store;
use super::tar::{self, BLOCK_BYTES, Header, Names, TarError};
use super::{MAX_LAYER_BYTES, OciError};
use crate::foreign::clip;
use crate::image::MAX_IMAGE_BYTES;

/// The bytes of the file `wanted`, of which the layer has one.
pub(super) fn file(store: &Store, layer: &Descriptor, wanted: &str) -> Result<Vec<u8>, OciError> {
    let mut blob = Blob::open(store, layer, MAX_LAYER_BYTES)?;
    let file = blob.file.clone();
    let found = find(&mut blob, wanted);
    if let Err(FindError::Read(source)) = found {
        return Err(store.unreadable(&file, source));
    }
    // A layer that is damaged is called that, whatever the damage made of it.
    blob.check()?;
    found.map_err(|why| match why {
        FindError::Read(source) => store.unreadable(&file, source),
        FindError::Tar(source) => OciError::Layer { file, path: store.path().to_owned(), source },
    })
}

enum FindError {
    Read(io::Error),
    Tar(TarError),
}

impl From<TarError> for FindError {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}

impl From<io::Error> for FindError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Tar(TarError::Cut),
            _ => Self::Read(error),
        }
    }
}

/// Reads the whole archive, since what stands twice cannot be relied on.
fn find(archive: &mut impl Read, wanted: &str) -> Result<Vec<u8>, FindError> {
    let mut names = Names::default();
    let mut found = None;
    let mut at = 0;
    loop {
        let mut block = [0; BLOCK_BYTES as usize];
        archive.read_exact(&mut block)?;
        let (name, bytes) = match names.header(&block, at)? {
            Header::Entry { name, bytes } => (name, bytes),
            Header::End => {
                // The second block of the end is to be there, and no more than zeros is in it either.
                archive.read_exact(&mut block)?;
                if !tar::is_nothing_left(block.chain(archive))? {
                    return Err(TarError::Behind { at }.into());
                }
                break;
            }
        };
        if bytes > MAX_IMAGE_BYTES && name == wanted {
            return Err(TarError::TooLarge { name, bytes }.into());
        }
        let padded = tar::padded(bytes).ok_or(TarError::Cut)?;
        if name == wanted {
            found = Some(take(archive, bytes)?);
            skip(archive, padded - bytes)?;
        } else {
            skip(archive, padded)?;
        }
        // No layer that is read has so many bytes.
        at = at.saturating_add(BLOCK_BYTES).saturating_add(padded);
    }
    found.ok_or_else(|| TarError::NoFile(clip(wanted)).into())
}

/// The next bytes. Memory is asked for as they come, not because a header says so.
fn take(archive: &mut impl Read, bytes: u64) -> Result<Vec<u8>, FindError> {
    let mut content = Vec::new();
    archive.by_ref().take(bytes).read_to_end(&mut content)?;
    match content.len() as u64 == bytes {
        true => Ok(content),
        false => Err(TarError::Cut.into()),
    }
}

fn skip(archive: &mut impl Read, bytes: u64) -> Result<(), FindError> {
    let mut buffer = [0; 8 << 10];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(buffer.len() as u64) as usize;
        archive.read_exact(&mut buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}
