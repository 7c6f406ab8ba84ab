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
use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::image::MAX_IMAGE_BYTES;

type Header = FileHeader64<LittleEndian>;

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
    let Some((start, image_bytes)) = image_place(&page, length) else { return Ok(None) };
    let mut bytes = vec![0; image_bytes as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok(Some(bytes))
}

/// Where the image begins in the file of a bundle, and its length: as the kernel has it that starts the
/// file, or it would not be what runs.
fn image_place(page: &[u8], length: u64) -> Option<(u64, u64)> {
    let places = Places::read(page.first_chunk()?)?;
    let header = Header::parse(page).ok()?;
    let entry = header.e_entry.get(LittleEndian).checked_sub(ADDRESS)?;
    let mark = page.get(..usize::try_from(entry).ok()?)?.last_chunk()?;
    let programs = header.program_headers(LittleEndian, page).ok()?;
    let is_loaded =
        |program: &&ProgramHeader64<LittleEndian>| program.p_type(LittleEndian) == elf::PT_LOAD;
    let last = programs.iter().rfind(is_loaded)?;
    let (start, bytes) = (last.p_offset(LittleEndian), last.p_filesz(LittleEndian));
    let is_image = *mark == GUARD_MARK
        && last.p_vaddr(LittleEndian) == places.image
        && start.checked_add(bytes) == Some(length)
        && places.image_bytes <= bytes.min(MAX_IMAGE_BYTES);
    is_image.then_some((start, places.image_bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LENGTH: usize = 4 * PAGE_BYTES as usize;
    const IMAGE_BYTES: u64 = 5000;
    /// Where the fields are that the tests change: of the file's header, and of the image's.
    const ENTRY: usize = 24;
    const IMAGE: usize = 64 + 56;

    /// A bundle of which these numbers are others.
    fn file(changes: &[(usize, u64)]) -> File {
        let mut bytes = vec![1; LENGTH];
        bytes[..PAGE_BYTES as usize].fill(0);
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, b"\x7fELF\x02\x01\x01");
        put(54, &[56, 0, 2]);
        put(512, &GUARD_MARK);
        let places = Places { entry: 1, image: IMAGE_ADDRESS, image_bytes: IMAGE_BYTES };
        put(PLACES_OFFSET as usize, &places.write());
        let launcher = [1, 0, ADDRESS, ADDRESS, PAGE_BYTES, PAGE_BYTES, PAGE_BYTES];
        let image = [1, 2 * PAGE_BYTES, IMAGE_ADDRESS, IMAGE_ADDRESS, 2 * PAGE_BYTES];
        put(64, &launcher.map(u64::to_le_bytes).concat());
        put(IMAGE, &image.map(u64::to_le_bytes).concat());
        for (at, number) in [(ENTRY, ADDRESS + 520), (32, 64)].iter().chain(changes) {
            put(*at, &number.to_le_bytes());
        }
        assert!(seal::seal(&mut bytes));
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("written");
        file
    }

    #[test]
    fn its_image_is_the_end_of_its_file() {
        let image = image_in(&file(&[])).expect("read").expect("a bundle");
        assert_eq!(image, vec![1; IMAGE_BYTES as usize]);
    }

    #[test]
    fn what_would_not_run_its_image_is_no_bundle() {
        let bytes = PLACES_OFFSET as usize + 16;
        for change in [
            (0, 0),
            (ENTRY, ADDRESS + 521),
            (ENTRY, ADDRESS + 4),
            (ENTRY, ADDRESS + PAGE_BYTES + 1),
            (ENTRY, 0),
            (IMAGE, 0),
            (IMAGE + 8, PAGE_BYTES),
            (IMAGE + 8, u64::MAX),
            (IMAGE + 16, IMAGE_ADDRESS + PAGE_BYTES),
            (IMAGE + 32, PAGE_BYTES),
            (bytes, 2 * PAGE_BYTES + 1),
            (bytes, MAX_IMAGE_BYTES + 1),
            (bytes, u64::MAX),
        ] {
            assert!(image_in(&file(&[change])).expect("read").is_none(), "{change:?}");
        }
        let mut other = tempfile::tempfile().expect("a file");
        assert!(image_in(&other).expect("read").is_none());
        other.write_all(&[0; 8192]).expect("written");
        assert!(image_in(&other).expect("read").is_none());
    }
}
