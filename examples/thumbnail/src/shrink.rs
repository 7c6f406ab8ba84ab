//! Shrinking by averages: each new pixel is the mean of the area it covers, in integers, exactly.

use alloc::vec;
use core::num::NonZero;

use crate::image::{CHANNELS, Image};

/// The image with its longest edge at most `size`.
pub fn to_fit(image: Image, size: NonZero<u16>) -> Image {
    let size = usize::from(size.get());
    let longest = image.width.max(image.height);
    if longest <= size {
        return image;
    }
    let scaled = |edge: usize| ((edge * size + longest / 2) / longest).max(1);
    shrink(&image, scaled(image.width), scaled(image.height))
}

fn shrink(image: &Image, width: usize, height: usize) -> Image {
    let mut sums = vec![0u64; width * height * CHANNELS];
    let mut row_sums = vec![0u64; width * CHANNELS];
    for (y, row) in image.rows().enumerate() {
        row_sums.fill(0);
        for (x, pixel) in row.chunks_exact(CHANNELS).enumerate() {
            for (target, weight) in shares(x, image.width, width) {
                let sums = &mut row_sums[target * CHANNELS..][..CHANNELS];
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += weight * u64::from(value);
                }
            }
        }
        for (target, weight) in shares(y, image.height, height) {
            let sums = &mut sums[target * width * CHANNELS..][..width * CHANNELS];
            for (sum, value) in sums.iter_mut().zip(&row_sums) {
                *sum += weight * value;
            }
        }
    }
    let area = (image.width * image.height) as u64;
    let pixels = sums.into_iter().map(|sum| ((sum + area / 2) / area) as u8).collect();
    Image { width, height, pixels }
}

/// The one or two of `to` parts that the `index`th of `from` parts of the same line lies in, and
/// how much of it each has, in units that `from * to` make up the line. The weights that a new part
/// gets are `from` together. `to` is not greater than `from`.
fn shares(index: usize, from: usize, to: usize) -> impl Iterator<Item = (usize, u64)> {
    let (start, end) = (index * to, (index + 1) * to);
    let target = start / from;
    let boundary = (target + 1) * from;
    let first = (target, (end.min(boundary) - start) as u64);
    let second = (end > boundary).then(|| (target + 1, (end - boundary) as u64));
    core::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(width: usize, height: usize, pixels: Vec<u8>, size: u16) -> Image {
        let size = NonZero::new(size).expect("not 0");
        to_fit(Image { width, height, pixels }, size)
    }

    #[test]
    fn the_weights_of_each_new_pixel_are_the_old_width() {
        for (from, to) in [(10, 3), (7, 7), (1000, 1), (641, 128)] {
            let mut weights = vec![0; to];
            for index in 0..from {
                shares(index, from, to).for_each(|(target, weight)| weights[target] += weight);
            }
            assert!(weights.iter().all(|&weight| weight == from as u64));
        }
    }

    #[test]
    fn pixels_are_means() {
        let small = fit(2, 2, vec![0, 10, 20, 10, 20, 30, 20, 30, 40, 31, 41, 51], 1);
        assert_eq!((small.width, small.height), (1, 1));
        assert_eq!(small.pixels, [15, 25, 35]);
        let small = fit(3, 1, vec![0, 0, 0, 90, 90, 90, 255, 255, 255], 2);
        assert_eq!(small.pixels, [30, 30, 30, 200, 200, 200]);
    }

    #[test]
    fn proportions_are_kept_and_nothing_grows() {
        let small = fit(640, 480, vec![9; 640 * 480 * 3], 128);
        assert_eq!((small.width, small.height), (128, 96));
        assert!(small.pixels.iter().all(|&value| value == 9));
        let line = fit(1, 1000, vec![1; 3000], 10);
        assert_eq!((line.width, line.height), (1, 10));
        assert_eq!(fit(2, 1, vec![5; 6], 128).width, 2);
    }
}
