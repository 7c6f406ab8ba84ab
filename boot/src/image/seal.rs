//! An image's file compared with its seal (SPEC C7), read a piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ampoule_abi::checksum::STRIPE;
use ampoule_abi::seal::{Checksums, Comparison, FIRST};

/// Bytes that are read at once, whole stripes.
const PIECE: usize = 16 << 10;

const _: () = assert!(PIECE.is_multiple_of(STRIPE) && PIECE > FIRST);

/// Longest file that is compared, in bytes: the bundle of the largest image.
const MAX_BYTES: u64 = super::MAX_IMAGE_BYTES + (16 << 20);

/// Both checksums of a file; `None` if it is not sealed, or longer than any.
pub(crate) fn compare(file: &File) -> io::Result<Option<Checksums>> {
    let mut buffer = [0; PIECE];
    let mut bytes = read(file, &mut buffer, 0)?;
    let Some((first, mut fresh)) = buffer[..bytes].split_first_chunk() else { return Ok(None) };
    let Some(mut comparison) = Comparison::begin(first) else { return Ok(None) };
    let mut offset = bytes as u64;
    while bytes == PIECE && offset <= MAX_BYTES {
        comparison.update(fresh);
        bytes = read(file, &mut buffer, offset)?;
        offset += bytes as u64;
        fresh = &buffer[..bytes];
    }
    if offset > MAX_BYTES {
        return Ok(None);
    }
    let rest = comparison.update(fresh);
    Ok(Some(comparison.finish(rest)))
}

/// Fills the buffer, unless the file ends before.
fn read(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ampoule_abi::seal;

    use super::*;

    #[test]
    fn a_file_is_compared_as_its_bytes_are() {
        for length in [FIRST, FIRST + 31, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE, 5 * PIECE + 77] {
            let mut bytes: Vec<u8> = (0..length).map(|index| (index * 31 % 251) as u8).collect();
            assert!(seal::seal(&mut bytes));
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(&bytes).expect("written");
            let compared = compare(&file).expect("read");
            assert_eq!(compared, seal::compare(&bytes), "{length} bytes");
            assert!(compared.expect("a seal").agree());
        }
    }

    #[test]
    fn what_has_no_seal_is_not_compared() {
        let mut file = tempfile::tempfile().expect("a file");
        assert_eq!(compare(&file).expect("read"), None);
        file.write_all(&[0; 2 * FIRST]).expect("written");
        assert_eq!(compare(&file).expect("read"), None);
    }
}
