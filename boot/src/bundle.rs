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

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_abi::seal;

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
