//! Writing PNG (ISO/IEC 15948): eight bits a channel, red, green and blue.

use alloc::vec::Vec;

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::image::{CHANNELS, Image};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// Bit depth 8, colour type 2 (truecolour), and the only methods there are; not interlaced.
const KIND: [u8; 5] = [8, 2, 0, 0, 0];
const COMPRESSION_LEVEL: u8 = 9;

/// The image as a PNG file.
pub fn encode(image: &Image) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(&(image.width as u32).to_be_bytes());
    header.extend_from_slice(&(image.height as u32).to_be_bytes());
    header.extend_from_slice(&KIND);
    let mut file = SIGNATURE.to_vec();
    add_chunk(b"IHDR", &header, &mut file);
    add_chunk(b"IDAT", &compress_to_vec_zlib(&filtered(image), COMPRESSION_LEVEL), &mut file);
    add_chunk(b"IEND", &[], &mut file);
    file
}

fn add_chunk(name: &[u8; 4], data: &[u8], file: &mut Vec<u8>) {
    file.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend_from_slice(name);
    file.extend_from_slice(data);
    let checksum = crc32fast::hash(&file[start..]);
    file.extend_from_slice(&checksum.to_be_bytes());
}

/// The rows, each as the differences that are smallest in sum, as the standard suggests (12.8).
fn filtered(image: &Image) -> Vec<u8> {
    let mut all = Vec::new();
    let none = alloc::vec![0; image.width * CHANNELS];
    let mut above: &[u8] = &none;
    for row in image.rows() {
        let choices = (0..=4).map(|filter| filter_row(filter, row, above));
        let best = choices.min_by_key(|filtered| {
            filtered[1..].iter().map(|&byte| u64::from((byte as i8).unsigned_abs())).sum::<u64>()
        });
        all.extend(best.unwrap_or_default());
        above = row;
    }
    all
}

/// A row as differences to what a filter predicts, after the filter's number (9.2).
fn filter_row(filter: u8, row: &[u8], above: &[u8]) -> Vec<u8> {
    let mut filtered = Vec::with_capacity(row.len() + 1);
    filtered.push(filter);
    for (index, &value) in row.iter().enumerate() {
        let before = index.checked_sub(CHANNELS);
        let left = before.map_or(0, |at| row[at]);
        let corner = before.map_or(0, |at| above[at]);
        let up = above[index];
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => left.midpoint(up),
            _ => paeth(left, up, corner),
        };
        filtered.push(value.wrapping_sub(predicted));
    }
    filtered
}

/// Of the three neighbours the one nearest to left + up - corner (9.4).
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::inflate::decompress_to_vec_zlib;

    #[test]
    fn the_file_has_the_chunks_it_must_have() {
        let image = Image { width: 2, height: 1, pixels: vec![1, 2, 3, 4, 5, 6] };
        let file = encode(&image);
        assert_eq!(&file[..8], SIGNATURE);
        assert_eq!(&file[8..29], b"\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x08\x02\0\0\0");
        // The last chunk is the same in every PNG.
        assert!(file.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        let length = u32::from_be_bytes(file[33..37].try_into().expect("four bytes")) as usize;
        let rows = decompress_to_vec_zlib(&file[41..41 + length]).expect("zlib");
        assert_eq!(rows, [1, 1, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn filters_predict_as_the_standard_says() {
        let (above, row) = ([10, 20, 30, 40, 50, 60], [11, 22, 33, 44, 55, 66]);
        assert_eq!(filter_row(2, &row, &above), [2, 1, 2, 3, 4, 5, 6]);
        assert_eq!(filter_row(3, &row, &above), [3, 6, 12, 18, 19, 19, 20]);
        assert_eq!(filter_row(4, &row, &above), [4, 1, 2, 3, 4, 5, 6]);
    }
}
