//! A function's image: an ELF file, read once and checked whole before any machine starts
//! (SPEC C7).
//!
//! Images are hostile: any bytes end in an [`Image`] or an [`ImageError`]. What the check saw is
//! what runs, because a backend is handed these bytes and never the path.

mod check;
mod error;
mod notes;
#[cfg(test)]
pub(crate) mod sample;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ampoule_abi::messages::ImageNote;
use rustix::fs::OFlags;

pub use check::{Facts, Segment, check};
pub(crate) use error::least_memory;
pub use error::{ImageError, OpenError};

/// Largest image file that is read, in bytes; no guest can have more memory than this.
pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

/// An image that passed every check.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Vec<u8>,
    facts: Facts,
    path: Option<PathBuf>,
}

impl Image {
    /// Reads and checks the image at `path`.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound => OpenError::NotFound { path: path.to_owned() },
            _ => OpenError::Unreadable { path: path.to_owned(), source },
        };
        // To open a FIFO would else wait for a writer before its kind can be looked at.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        let mut bytes = Vec::with_capacity(metadata.len().min(MAX_IMAGE_BYTES) as usize);
        file.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let image = Self::from_bytes(bytes)
            .map_err(|source| OpenError::Refused { path: path.to_owned(), source })?;
        Ok(Self { path: Some(path.to_owned()), ..image })
    }

    /// Checks the image that is `bytes`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ImageError> {
        let facts = check(&bytes)?;
        Ok(Self { bytes, facts, path: None })
    }

    /// The file, as it was checked.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the image says about itself.
    pub fn note(&self) -> &ImageNote {
        &self.facts.note
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

#[cfg(test)]
mod tests {
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
    fn a_fifo_that_nobody_writes_to_is_refused_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).expect("a FIFO");
        let fifo = Image::open(&path).expect_err("a FIFO");
        assert!(matches!(fifo, OpenError::NotAFile { .. }), "{fifo}");
    }
}
