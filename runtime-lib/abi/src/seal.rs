//! The seal of an image: a checksum of its file, by which damage is found before anything runs
//! (SPEC C7). It keeps out accidents, and nobody who can compute one.
//!
//! Its place in the file is fixed, so that no damage elsewhere hides it.

use crate::checksum::{STRIPE, Xxh64};
use crate::layout::PAGE_BYTES;

/// Length of the first page of a file, in bytes.
pub const FIRST: usize = PAGE_BYTES as usize;

/// Length of the seal, in bytes: [`MARK`], the checksum, zeros. It ends the first page of the file,
/// behind all headers.
pub const BYTES: usize = STRIPE;

/// What a seal begins with.
pub const MARK: [u8; 8] = *b"AmpSeal1";

/// Bytes of its mark by which a seal is known that is damaged itself.
const ENOUGH: usize = 4;

/// Where in the seal the checksum is: XXH64 of the file with 0 in its place, little-endian.
const CHECKSUM: core::ops::Range<usize> = 8..16;

/// A file that is being compared with its seal: what the seal claims, and the checksum so far.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The checksum that the file claims to have.
    pub claimed: u64,
    checksum: Xxh64,
}

/// Both checksums of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksums {
    /// What its seal says.
    pub claimed: u64,
    /// What it has.
    pub found: u64,
}

impl Checksums {
    /// Whether they are the same.
    pub fn agree(self) -> bool {
        self.claimed == self.found
    }
}

impl Comparison {
    /// Begins with the first page of a file; `None` if the file is not sealed.
    pub fn begin(page: &[u8; FIRST]) -> Option<Self> {
        let (before, seal) = page.split_last_chunk::<BYTES>()?;
        let same = seal.iter().zip(MARK).filter(|(found, wanted)| **found == *wanted).count();
        if same < ENOUGH {
            return None;
        }
        let claimed = u64::from_le_bytes(*seal.get(CHECKSUM)?.first_chunk()?);
        let mut seal = *seal;
        seal.get_mut(CHECKSUM)?.fill(0);
        let mut checksum = Xxh64::new();
        checksum.update(before);
        checksum.update(&seal);
        Some(Self { claimed, checksum })
    }

    /// Goes on with whole stripes of [`STRIPE`] bytes; what is left is to come again.
    pub fn update<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.checksum.update(bytes)
    }

    /// Ends with less than a stripe.
    pub fn finish(self, rest: &[u8]) -> Checksums {
        Checksums { claimed: self.claimed, found: self.checksum.finish(rest) }
    }
}

/// Compares a whole file with its seal; `None` if it is not sealed.
pub fn compare(file: &[u8]) -> Option<Checksums> {
    let (first, rest) = file.split_first_chunk()?;
    let mut comparison = Comparison::begin(first)?;
    let rest = comparison.update(rest);
    Some(comparison.finish(rest))
}

/// Seals a file, whose bytes where the seal is to be are free; `false` if it is shorter than a page.
pub fn seal(file: &mut [u8]) -> bool {
    let Some((_, place)) =
        file.first_chunk_mut::<FIRST>().and_then(|page| page.split_last_chunk_mut::<BYTES>())
    else {
        return false;
    };
    place.fill(0);
    let (mark, _) = place.split_at_mut(MARK.len());
    mark.copy_from_slice(&MARK);
    let Some(checksums) = compare(file) else { return false };
    if let Some(place) = file.get_mut(FIRST - BYTES..).and_then(|seal| seal.get_mut(CHECKSUM)) {
        place.copy_from_slice(&checksums.found.to_le_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn each_bit_counts() {
        let mut file = vec![7; FIRST + 100];
        assert_eq!(compare(&file), None);
        assert!(seal(&mut file));
        assert!(compare(&file).expect("a seal").agree());
        for bit in 0..8 * file.len() {
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(!compare(&file).expect("a seal still").agree(), "bit {bit}");
            file[bit / 8] ^= 1 << (bit % 8);
        }
        for length in FIRST..file.len() {
            assert!(!compare(&file[..length]).expect("a seal still").agree(), "length {length}");
        }
    }

    #[test]
    fn to_seal_twice_changes_nothing() {
        let mut file = vec![0; 2 * FIRST];
        assert!(seal(&mut file));
        let once = file.clone();
        assert!(seal(&mut file));
        assert_eq!(file, once);
        assert!(!seal(&mut file[..FIRST - 1]));
    }
}
