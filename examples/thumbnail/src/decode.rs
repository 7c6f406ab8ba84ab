//! Reading JPEG, and from its EXIF data how the camera was held.

use alloc::vec::Vec;

use ampoule::{Error, Result};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::image::{Image, Orientation};

/// The image of a file, as it is stored, and how it was seen.
pub fn jpeg(file: Vec<u8>) -> Result<(Image, Orientation)> {
    // Strict: of a file that was cut off half an image is no thumbnail.
    let options =
        DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder
        .decode()
        .map_err(|problem| Error::data(format_args!("the input is no good JPEG: {problem}")))?;
    let info = decoder.info().ok_or_else(|| Error::data("the JPEG has no size"))?;
    let orientation = decoder.exif().and_then(|exif| orientation(exif)).unwrap_or_default();
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    Ok((Image { width, height, pixels }, orientation))
}

/// The orientation in EXIF data, a TIFF file whose first directory has it (TIFF 6.0, 2).
fn orientation(exif: &[u8]) -> Option<Orientation> {
    const ORIENTATION: u16 = 0x0112;
    const ENTRY_BYTES: usize = 12;
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little_endian = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let half = |at: usize| {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let word = |at: usize| {
        let (first, second) = (u32::from(half(at)?), u32::from(half(at + 2)?));
        Some(if little_endian { second << 16 | first } else { first << 16 | second })
    };
    let directory = word(4)? as usize;
    let entries = usize::from(half(directory)?);
    let mut places = (0..entries).map(|index| directory + 2 + index * ENTRY_BYTES);
    let entry = places.find(|&at| half(at) == Some(ORIENTATION))?;
    Orientation::from_exif(half(entry + 8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orientation_is_found_in_either_byte_order() {
        let sideways = Orientation::from_exif(6);
        let little = b"Exif\0\0II*\0\x08\0\0\0\x02\0\
            \x0f\x01\x02\0\x01\0\0\0abc\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        assert_eq!(orientation(little), sideways);
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        assert_eq!(orientation(big), sideways);
        for length in 0..big.len() - 2 {
            assert_eq!(orientation(&big[..length]), None);
        }
    }

    #[test]
    fn what_is_no_jpeg_is_bad_data() {
        for file in [&b""[..], b"GIF89a", b"\xff\xd8\xff"] {
            assert_eq!(jpeg(file.to_vec()).expect_err("no JPEG").status(), 65);
        }
    }
}
