//! A function's image: an ELF file, opened once and checked before any machine starts (SPEC C7).
//!
//! Images are hostile: any bytes end in an [`Image`] or an [`ImageError`]. A backend is handed the
//! opened file and what the check found there, never the path.

mod check;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod notes;
#[cfg(feature = "oci")]
pub mod oci;
#[cfg(any(test, fuzzing))]
pub(crate) mod sample;
pub(crate) mod seal;

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ampoule_abi::messages::ImageNote;
use ampoule_abi::seal::Checksums;
use object::read::ReadCache;
use rustix::fs::OFlags;

use crate::{bundle, opening};
pub use check::{Facts, MAX_PROGRAMS, MAX_SECTIONS, Segment, check};
pub(crate) use error::least_memory;
pub use error::{ImageError, OpenError};
pub use notes::{EVENT_MODES, MAX_NOTE_BYTES};

/// Largest image file that is read, in bytes; no guest can have more memory than this.
pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

/// Includes the image of a function in the program: `include_image!("NAME")` is a
/// `Result<Image, ImageError>`. The program's build script has made it, by `ampoule_embed::build("NAME",
/// FOLDER)`. The image was checked there, and is checked once more, since it costs next to nothing.
#[macro_export]
macro_rules! include_image {
    ($name:literal) => {
        $crate::Image::from_bytes(&include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".elf"))[..])
    };
}

/// An image that passed every check.
#[derive(Debug)]
pub struct Image {
    content: Content,
    facts: Facts,
    path: Option<PathBuf>,
}

/// Where the bytes of an image are.
#[derive(Debug)]
enum Content {
    File(File),
    Bytes(Cow<'static, [u8]>),
}

impl Image {
    /// Opens and checks the image at `path`, or in the bundle there.
    ///
    /// It is compared with its seal, if it has one. As with any program, a file that is changed in
    /// place while it runs changes what runs: it is to be replaced instead, as `build-fn` does.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound => OpenError::NotFound { path: path.to_owned() },
            _ => OpenError::Unreadable { path: path.to_owned(), source },
        };
        let file = opening::open(path, OFlags::empty()).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        let refused = |source| OpenError::Refused { path: path.to_owned(), source };
        let checked = check(&ReadCache::new(&file));
        let checksums = seal::compare(&file).map_err(failed)?;
        unaltered(checksums).map_err(refused)?;
        if checked.is_err()
            && checksums.is_some()
            && let Some(image) = bundle::image_in(&file).map_err(failed)?
        {
            return Self::from_bytes(image).map_err(refused);
        }
        let facts = checked.and_then(|facts| facts.sealed_as_said(checksums)).map_err(refused)?;
        Ok(Self { content: Content::File(file), facts, path: Some(path.to_owned()) })
    }

    /// Checks the image that is `bytes`, which may be a part of this program.
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, ImageError> {
        let bytes = bytes.into();
        let facts = checked(&bytes)?;
        Ok(Self { content: Content::Bytes(bytes), facts, path: None })
    }

    /// All bytes of the file, checked as the image was.
    pub fn read(&self) -> std::io::Result<Cow<'_, [u8]>> {
        let file = match &self.content {
            Content::Bytes(bytes) => return Ok(Cow::Borrowed(bytes)),
            Content::File(file) => file,
        };
        let length = file.metadata()?.len().min(MAX_IMAGE_BYTES);
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, 0)?;
        match checked(&bytes) {
            Ok(facts) if facts == self.facts => Ok(bytes.into()),
            _ => Err(std::io::Error::other("the image was changed since it was checked")),
        }
    }

    /// Has [`Image::read_on`] begin at the beginning of the file.
    pub(crate) fn rewind(&self) -> std::io::Result<()> {
        self.file().map_or(Ok(()), |mut file| file.rewind())
    }

    /// Bytes of the file, unchecked, read on from where reading has come to.
    pub(crate) fn read_on(&self) -> std::io::Result<Cow<'_, [u8]>> {
        let file = match &self.content {
            Content::Bytes(bytes) => return Ok(Cow::Borrowed(bytes)),
            Content::File(file) => file,
        };
        let mut bytes = Vec::new();
        file.take(MAX_IMAGE_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Bytes of the file from `offset` on.
    pub(crate) fn read_at(&self, offset: usize, bytes: &mut [u8]) -> std::io::Result<()> {
        match &self.content {
            Content::File(file) => file.read_exact_at(bytes, offset as u64),
            Content::Bytes(all) => {
                bytes.copy_from_slice(&all[offset..offset + bytes.len()]);
                Ok(())
            }
        }
    }

    /// The file, if the image is one.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.content {
            Content::File(file) => Some(file),
            Content::Bytes(_) => None,
        }
    }

    /// What the image says about itself.
    pub fn note(&self) -> &ImageNote {
        &self.facts.note
    }

    /// The deadline that the image asks for, if it does.
    pub fn timeout(&self) -> Option<Duration> {
        Some(self.note().timeout_ms).filter(|&ms| ms > 0).map(Duration::from_millis)
    }

    /// What the check found.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where the image was read from, if it came from a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Facts {
    /// These facts, unless they say that the image has a seal and it has none.
    fn sealed_as_said(self, checksums: Option<Checksums>) -> Result<Self, ImageError> {
        match self.note.sealed && checksums.is_none() {
            true => Err(ImageError::NoSeal),
            false => Ok(self),
        }
    }
}

/// What is known of an image that is its seal's.
fn checked(bytes: &[u8]) -> Result<Facts, ImageError> {
    let checksums = ampoule_abi::seal::compare(bytes);
    unaltered(checksums)?;
    check(bytes)?.sealed_as_said(checksums)
}

/// What damage has done to a file is not what is wrong with it.
fn unaltered(checksums: Option<Checksums>) -> Result<(), ImageError> {
    match checksums {
        Some(checksums) if !checksums.agree() => Err(ImageError::Altered(checksums)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_missing_file_is_told_from_a_bad_one() {
        let missing = Image::open(Path::new("/nowhere/f.elf")).expect_err("missing");
        assert!(matches!(missing, OpenError::NotFound { .. }), "{missing}");
        let directory = Image::open(Path::new("/")).expect_err("a directory");
        assert!(matches!(directory, OpenError::NotAFile { .. }), "{directory}");
        let text = Image::open(Path::new("/etc/passwd")).expect_err("text");
        assert!(matches!(text, OpenError::Refused { .. }), "{text}");
    }

    #[test]
    fn a_file_that_is_changed_after_it_was_checked_is_not_read() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let sample = sample::Sample { code: vec![0xf4; 8192], ..Default::default() };
        let mut bytes = sample.build();
        assert!(ampoule_abi::seal::seal(&mut bytes));
        file.write_all(&bytes).expect("written");
        let image = Image::open(file.path()).expect("an image");
        assert_eq!(image.read().expect("the same"), bytes);
        // In the code, of which no fact tells.
        file.as_file().write_at(b"\xcc", 0x400).expect("changed");
        assert!(image.read().is_err());
    }

    #[test]
    fn a_fifo_that_nobody_writes_to_is_refused_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).expect("a FIFO");
        let fifo = Image::open(&path).expect_err("a FIFO");
        assert!(matches!(fifo, OpenError::NotAFile { .. }), "{fifo}");
    }
}
