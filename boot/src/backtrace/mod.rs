//! Code addresses, as functions, files and lines, from the unstripped twin of an image.
//!
//! The twin lies beside the image as `NAME.debug`. It is believed only if its code is the
//! image's, since it may be of another build; the addresses are a guest's word, and any number is
//! looked up or shown as it is.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod render;
mod symbols;

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use addr2line::Context;
use addr2line::gimli::{self, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection, ObjectSegment, SegmentFlags};
use rustix::fs::OFlags;

use crate::{Image, opening};
use symbols::Symbols;

/// Largest twin that is read, in bytes.
const MAX_DEBUG_BYTES: u64 = 1 << 30;

type Slice<'data> = EndianSlice<'data, RunTimeEndian>;

/// Why addresses stay numbers.
#[derive(Debug, thiserror::Error)]
pub enum BacktraceError {
    /// The image did not come from a file, so there is nothing beside it.
    #[error("the image has no file, so there is no NAME.debug beside it")]
    NoPath,
    /// There is no twin.
    #[error("there is no {}: run `cargo xtask build-fn {name}` to see functions and lines", path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
        /// The function's name.
        name: String,
    },
    /// It is of another build.
    #[error("{} is of another build: run `cargo xtask build-fn {name}` to see functions and \
        lines", path.display())]
    OtherBuild {
        /// The twin.
        path: PathBuf,
        /// The function's name.
        name: String,
    },
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The twin.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// The unstripped twin of an image, opened while files can be.
#[derive(Debug)]
pub struct Twin {
    file: File,
    path: PathBuf,
    /// Where paths begin that are shown.
    here: Option<PathBuf>,
}

impl Twin {
    /// Opens what lies beside `image`, which is not changed while this is used.
    pub fn open(image: &Image) -> Result<Self, BacktraceError> {
        let path = image.path().ok_or(BacktraceError::NoPath)?.with_extension("debug");
        let unreadable = |why: &dyn ToString| BacktraceError::Unreadable {
            path: path.clone(),
            why: why.to_string(),
        };
        let name = || image.note().name.clone();
        let file = opening::open(&path, OFlags::empty())
            .map_err(|_| BacktraceError::Absent { path: path.clone(), name: name() })?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if !metadata.is_file() || metadata.len() > MAX_DEBUG_BYTES {
            return Err(unreadable(&"it is not a file of less than 1GiB"));
        }
        image.rewind().map_err(|error| unreadable(&error))?;
        Ok(Self { file, path, here: std::env::current_dir().ok() })
    }

    /// The backtrace as Rust prints its own, one frame after the other, innermost first.
    ///
    /// ```text
    ///    0: core::panicking::panic
    ///              at library/core/src/panicking.rs:148
    ///    1: fail::main
    ///              at examples/fail/src/main.rs:12
    /// ```
    ///
    /// What it takes is memory, and to read both files from their beginning to their end, once.
    pub fn symbolise(self, image: &Image, addresses: &[u64]) -> Result<String, BacktraceError> {
        let Self { file, path, here } = self;
        let unreadable = |why: &dyn ToString| BacktraceError::Unreadable {
            path: path.clone(),
            why: why.to_string(),
        };
        let mut bytes = Vec::new();
        file.take(MAX_DEBUG_BYTES).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        let file = object::File::parse(&*bytes).map_err(|error| unreadable(&error))?;
        if !has_code_of(&file, image) {
            let name = image.note().name.clone();
            return Err(BacktraceError::OtherBuild { path: path.clone(), name });
        }
        names(&file, here.as_deref(), addresses).map_err(|error| unreadable(&error))
    }
}

impl AsFd for Twin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What `file` knows of the addresses, with paths from `here` on.
fn names(
    file: &object::File<'_>,
    here: Option<&Path>,
    addresses: &[u64],
) -> Result<String, gimli::Error> {
    Ok(render::render(&context(file)?, &Symbols::of(file), here, addresses))
}

/// The addresses as they are, for when there are no names.
pub fn numbers(addresses: &[u64]) -> String {
    let mut text = String::new();
    for (index, address) in addresses.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{index:>4}: {address:#x}");
    }
    text
}

/// Whether each executable segment of `image` is in `file`, byte for byte.
fn has_code_of(file: &object::File<'_>, image: &Image) -> bool {
    let is_code = |flags| match flags {
        SegmentFlags::Elf { p_flags, .. } => p_flags.0 & object::elf::PF_X.0 != 0,
        _ => false,
    };
    let Ok(bytes) = image.read_on() else { return false };
    image.facts().segments.iter().filter(|segment| segment.executable).all(|segment| {
        let Some(code) = bytes.get(segment.file.clone()) else { return false };
        file.segments().any(|other| {
            is_code(other.flags())
                && other.address() == segment.address
                && other.data().is_ok_and(|data| data == code)
        })
    })
}

fn context<'data>(
    file: &object::File<'data>,
) -> Result<Context<Slice<'data>>, addr2line::gimli::Error> {
    let endian = RunTimeEndian::Little;
    let load = |id: gimli::SectionId| -> Result<Slice<'data>, gimli::Error> {
        let section = file.section_by_name(id.name());
        // A compressed section is read as absent: nothing of ours compresses them.
        let bytes = section.and_then(|section| section.data().ok()).unwrap_or_default();
        Ok(EndianSlice::new(bytes, endian))
    };
    Context::from_dwarf(gimli::Dwarf::load(load)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::sample::Sample;

    #[test]
    fn an_image_without_a_twin_says_what_to_do() {
        let image = Image::from_bytes(Sample::default().build()).expect("a good image");
        assert!(matches!(Twin::open(&image), Err(BacktraceError::NoPath)));
        assert_eq!(numbers(&[0x10]), "   0: 0x10\n");
    }

    #[test]
    fn a_twin_of_another_build_is_not_believed() {
        let file = Sample::default().build();
        let twin = object::File::parse(&*file).expect("an ELF file");
        let image = Image::from_bytes(file.clone()).expect("a good image");
        assert!(has_code_of(&twin, &image));
        let other = Sample { code: vec![0x90; 64], ..Sample::default() }.build();
        let other = Image::from_bytes(other).expect("a good image");
        assert!(!has_code_of(&twin, &other));
    }
}
