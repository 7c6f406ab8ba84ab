//! A bundle: a launcher and an image in one static executable, both loaded by the kernel when it
//! starts, so that nothing has to be opened.
//!
//! ```text
//! page 0      the file's headers, the guard's code, the places, the seal of the whole file
//! then        the launcher's segments, each on pages of its own
//! last        the image, a segment too
//! ```
//!
//! Each byte of the file lies in a segment. Execution begins with the guard, which compares all of them
//! with the seal, the one that images have (SPEC C7), and then goes on where the launcher begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_abi::seal;

use crate::image::MAX_IMAGE_BYTES;

/// The section of the launcher that holds the guard's code, which works wherever it lies.
pub const GUARD_SECTION: &str = ".ampoule.guard";

/// What that section begins with; the guard is entered behind it.
pub const GUARD_MARK: [u8; 8] = *b"AmpGuard";

/// The address of page 0, below all that a linker places.
pub const ADDRESS: u64 = 0x20_0000;

/// The address of the image, above.
pub const IMAGE_ADDRESS: u64 = 0x1000_0000;

/// Offset in page 0 of the [`Places`]: before the seal.
pub const PLACES_OFFSET: u64 = PAGE_BYTES - (seal::BYTES + Places::BYTES) as u64;

/// Where things are in a bundle, addresses in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where the launcher begins.
    pub entry: u64,
    /// The image.
    pub image: u64,
    /// Its length, in bytes.
    pub image_bytes: u64,
}

impl Places {
    /// Its length, in bytes: three numbers of 64 bits, little-endian.
    pub const BYTES: usize = 24;

    /// What page 0 holds.
    pub fn write(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = [self.entry, self.image, self.image_bytes];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    /// The places that a page 0 names, if it is a bundle's.
    pub fn read(page: &[u8; PAGE_BYTES as usize]) -> Option<Self> {
        let bytes = &page[PLACES_OFFSET as usize..];
        let mark = &bytes[Self::BYTES..][..seal::MARK.len()];
        let words = bytes.as_chunks::<8>().0;
        let [entry, image, image_bytes] = [0, 1, 2].map(|index| u64::from_le_bytes(words[index]));
        (*mark == seal::MARK && entry > 0).then_some(Self { entry, image, image_bytes })
    }
}

/// The bytes of the image in a bundle's file, which ends with it; `None` if it is none.
pub(crate) fn image_in(file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    let mut page = [0; PAGE_BYTES as usize];
    if length < PAGE_BYTES {
        return Ok(None);
    }
    file.read_exact_at(&mut page, 0)?;
    let Some(Places { image_bytes, .. }) = Places::read(&page) else { return Ok(None) };
    if image_bytes > MAX_IMAGE_BYTES {
        return Ok(None);
    }
    let Some(start) = length.checked_sub(image_bytes.next_multiple_of(PAGE_BYTES)) else {
        return Ok(None);
    };
    let mut bytes = vec![0; image_bytes as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(image_bytes: u64, length: usize) -> File {
        let mut bytes = vec![1; length];
        let places = Places { entry: 1, image: IMAGE_ADDRESS, image_bytes };
        bytes[PLACES_OFFSET as usize..][..Places::BYTES].copy_from_slice(&places.write());
        assert!(seal::seal(&mut bytes));
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("written");
        file
    }

    #[test]
    fn its_image_is_the_end_of_its_file() {
        let image = image_in(&file(5000, 4 * 4096)).expect("read").expect("a bundle");
        assert_eq!(image, vec![1; 5000]);
        for image_bytes in [5 * 4096, MAX_IMAGE_BYTES + 1, u64::MAX] {
            assert!(image_in(&file(image_bytes, 4 * 4096)).expect("read").is_none());
        }
        let mut other = tempfile::tempfile().expect("a file");
        assert!(image_in(&other).expect("read").is_none());
        other.write_all(&[0; 8192]).expect("written");
        assert!(image_in(&other).expect("read").is_none());
    }
}
