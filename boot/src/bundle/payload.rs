//! The image in this program, where the kernel has put it.
#![allow(unsafe_code)]

use std::slice;

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_boot::Image;
use ampoule_boot::bundle::Places;
use ampoule_boot::image::ImageError;

/// Why there is no image to run.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// This is a launcher and nothing else.
    #[error(
        "there is no image in this program: make one that has it with `cargo xtask bundle NAME`"
    )]
    None,
    /// It cannot be run.
    #[error("the image in this program cannot be run: {0}")]
    Image(#[from] ImageError),
}

/// The image, checked.
pub fn image() -> Result<Image, PayloadError> {
    let places = Places::read(first_page()).ok_or(PayloadError::None)?;
    let start = std::ptr::with_exposed_provenance::<u8>(places.image as usize);
    // SAFETY: the kernel has mapped a segment there, of that length, read-only, for as long as the
    // process lives. The guard has compared these numbers with the seal.
    let bytes: &'static [u8] = unsafe { slice::from_raw_parts(start, places.image_bytes as usize) };
    Ok(Image::from_bytes(bytes)?)
}

/// The page with this program's headers.
fn first_page() -> &'static [u8; PAGE_BYTES as usize] {
    // SAFETY: takes a number and returns one.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) };
    let page = std::ptr::with_exposed_provenance(headers as usize & !(PAGE_BYTES as usize - 1));
    // SAFETY: program headers lie in a segment that is mapped read-only for as long as the process
    // lives, and a segment is mapped in whole pages.
    unsafe { &*page }
}
