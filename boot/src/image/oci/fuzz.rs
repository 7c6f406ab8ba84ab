//! Layouts, as archives or in one part of a layout that else fits: what is taken stands in the archive,
//! and no bit of it can be another one.

use std::path::PathBuf;

use super::sample::Sample;
use super::store::Store;
use super::{OciError, Reference, read};
use crate::image::MAX_IMAGE_BYTES;

/// Any bytes: the first says as which part of a layout the others are taken.
pub fn oci(bytes: &[u8]) {
    let Some((part, rest)) = bytes.split_first() else { return };
    let (mut sample, rest) = (Sample::default(), rest.to_vec());
    let archive = match part % 5 {
        0 => rest,
        1 => Sample { layer: rest, ..sample }.build(),
        2 => Sample { config: rest, ..sample }.build(),
        3 => Sample { manifest: rest, ..sample }.build(),
        _ => {
            sample.index = rest;
            sample.build()
        }
    };
    let image = match read_archive(&archive) {
        Ok(image) => image,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(image.len() as u64 <= MAX_IMAGE_BYTES);
    // It lies behind a header of an archive in an archive.
    let places = (0..archive.len()).step_by(512);
    assert!(places.into_iter().any(|at| archive[at..].starts_with(&image)));
    for number in 0..8 {
        let mut other = archive.clone();
        let at = (number * 7919 + bytes.len() * 31) % archive.len();
        other[at] ^= 1 << (number % 8);
        if let Ok(taken) = read_archive(&other) {
            assert_eq!(taken, image, "bit {} of byte {at} may be either", number % 8);
        }
    }
}

/// The image in an archive that holds one.
pub(super) fn read_archive(bytes: &[u8]) -> Result<Vec<u8>, OciError> {
    let reference = Reference { path: PathBuf::from("x.tar"), name: None, digest: None };
    read(&Store::of(bytes)?, &reference)
}

#[cfg(test)]
mod tests {
    #[test]
    fn oci() {
        crate::fuzz::replay::replay("oci", super::oci, 1500);
    }
}
