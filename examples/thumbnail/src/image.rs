//! Pixels in memory.

use alloc::format;
use alloc::vec::Vec;

/// Bytes of a pixel: red, green and blue.
pub const CHANNELS: usize = 3;

/// An image: rows from top to bottom, pixels from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

/// How a camera was held, as EXIF tells (CIPA DC-008, 4.6.5, tag 0x0112).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// The image's rows are columns of what was seen.
    pub transposed: bool,
    /// After that, left and right are the wrong way round.
    pub mirrored: bool,
    /// After that, top and bottom are.
    pub upside_down: bool,
}

impl Image {
    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width * CHANNELS)
    }

    /// The image as a file in the format of Netpbm.
    pub fn to_ppm(&self) -> Vec<u8> {
        let mut file = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        file.extend_from_slice(&self.pixels);
        file
    }

    fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let start = (y * self.width + x) * CHANNELS;
        &self.pixels[start..start + CHANNELS]
    }
}

impl Orientation {
    /// The orientation of a value of the tag, 1 to 8.
    pub fn from_exif(value: u16) -> Option<Self> {
        let (transposed, mirrored, upside_down) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => return None,
        };
        Some(Self { transposed, mirrored, upside_down })
    }

    /// The image as it was seen.
    pub fn upright(self, image: Image) -> Image {
        if self == Self::default() {
            return image;
        }
        let (width, height) =
            if self.transposed { (image.height, image.width) } else { (image.width, image.height) };
        let mut pixels = Vec::with_capacity(image.pixels.len());
        for y in 0..height {
            for x in 0..width {
                let x = if self.mirrored { width - 1 - x } else { x };
                let y = if self.upside_down { height - 1 - y } else { y };
                let (x, y) = if self.transposed { (y, x) } else { (x, y) };
                pixels.extend_from_slice(image.pixel(x, y));
            }
        }
        Image { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels that are told apart by their red.
    fn image(width: usize, reds: &[u8]) -> Image {
        let pixels = reds.iter().flat_map(|&red| [red, 0, 0]).collect();
        Image { width, height: reds.len() / width, pixels }
    }

    #[test]
    fn every_orientation() {
        // Stored as rows 1 2 3 and 4 5 6.
        for (value, width, seen) in [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
        ] {
            let orientation = Orientation::from_exif(value).expect("a value of the tag");
            let upright = orientation.upright(image(3, &[1, 2, 3, 4, 5, 6]));
            assert_eq!(upright, image(width, &seen), "{value}");
        }
        assert_eq!(Orientation::from_exif(9), None);
    }

    #[test]
    fn ppm() {
        assert_eq!(image(1, &[7]).to_ppm(), b"P6\n1 1\n255\n\x07\0\0");
    }
}
