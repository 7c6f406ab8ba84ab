//! Code addresses, as functions, files and lines, from the unstripped twin of an image.
//!
//! The twin lies beside the image as `NAME.debug`. It is believed only if its code is the
//! image's, since it may be of another build; the addresses are a guest's word, and any number is
//! looked up or shown as it is.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use addr2line::gimli::{self, EndianSlice, RunTimeEndian};
use addr2line::{Context, Frame};
use object::{Object, ObjectSection, ObjectSegment, SegmentFlags};

use crate::Image;

/// Largest twin that is read, in bytes.
const MAX_DEBUG_BYTES: u64 = 1 << 30;

/// Greatest number of lines, since inlined functions can multiply what is shown.
const MAX_FRAMES: usize = 128;

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
    #[error("{} is of another build: run `cargo xtask build-fn {name}` to see functions and lines", path.display())]
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

/// The backtrace as Rust prints its own, one frame after the other, innermost first.
///
/// ```text
///    0: core::panicking::panic
///              at library/core/src/panicking.rs:148
///    1: fail::main
///              at examples/fail/src/main.rs:12
/// ```
pub fn symbolise(image: &Image, addresses: &[u64]) -> Result<String, BacktraceError> {
    let path = image.path().ok_or(BacktraceError::NoPath)?.with_extension("debug");
    let name = || image.note().name.clone();
    let unreadable = |why: &dyn ToString| BacktraceError::Unreadable {
        path: path.clone(),
        why: why.to_string(),
    };
    let metadata = std::fs::metadata(&path)
        .map_err(|_| BacktraceError::Absent { path: path.clone(), name: name() })?;
    if !metadata.is_file() || metadata.len() > MAX_DEBUG_BYTES {
        return Err(unreadable(&"it is not a file of less than 1GiB"));
    }
    let bytes = std::fs::read(&path).map_err(|error| unreadable(&error))?;
    let file = object::File::parse(&*bytes).map_err(|error| unreadable(&error))?;
    if !has_code_of(&file, image) {
        return Err(BacktraceError::OtherBuild { path: path.clone(), name: name() });
    }
    let context = context(&file).map_err(|error| unreadable(&error))?;
    Ok(render(&context, addresses))
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
    image.facts().segments.iter().filter(|segment| segment.executable).all(|segment| {
        let code = &image.bytes()[segment.file.clone()];
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

fn render(context: &Context<Slice<'_>>, addresses: &[u64]) -> String {
    let mut text = String::new();
    let mut count = 0;
    for (index, &address) in addresses.iter().enumerate() {
        // All but the innermost address are where a call returns to, one past the call.
        let probe = if index == 0 { address } else { address.saturating_sub(1) };
        let mut shown = false;
        if let Ok(mut frames) = context.find_frames(probe).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                if count == MAX_FRAMES {
                    return text;
                }
                show(&mut text, count, &frame, address);
                (count, shown) = (count + 1, true);
            }
        }
        if !shown && count < MAX_FRAMES {
            let _ = writeln!(text, "{count:>4}: {address:#x}");
            count += 1;
        }
    }
    text
}

fn show(text: &mut String, index: usize, frame: &Frame<'_, Slice<'_>>, address: u64) {
    let name = frame.function.as_ref().and_then(|name| {
        let demangled = name.demangle().ok()?;
        Some(without_hash(&demangled).to_owned())
    });
    let name = name.unwrap_or_else(|| format!("{address:#x}"));
    let _ = writeln!(text, "{index:>4}: {}", crate::session::printable(&name));
    if let Some(location) = &frame.location
        && let Some(file) = location.file
    {
        let line = location.line.map_or(String::new(), |line| format!(":{line}"));
        let _ =
            writeln!(text, "             at {}{line}", crate::session::printable(&trimmed(file)));
    }
}

/// A demangled name without the hash that tells builds apart.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

/// A path from where its reader would begin: the standard library's `library`, a dependency's
/// name, or the current directory.
fn trimmed(file: &str) -> Cow<'_, str> {
    if let Some((_, rest)) = file.split_once("/library/")
        && file.contains("/rustc/") | file.contains("/rustlib/")
    {
        return Cow::Owned(format!("library/{rest}"));
    }
    if let Some((_, rest)) = file.split_once("/registry/src/")
        && let Some((_, rest)) = rest.split_once('/')
    {
        return Cow::Borrowed(rest);
    }
    let here = std::env::current_dir().ok();
    let inside = here.as_deref().and_then(|here| Path::new(file).strip_prefix(here).ok());
    inside.map_or(Cow::Borrowed(file), Path::to_string_lossy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::sample::Sample;

    #[test]
    fn names_and_paths_are_trimmed() {
        assert_eq!(without_hash("a::b::h0123456789abcdef"), "a::b");
        assert_eq!(without_hash("a::height"), "a::height");
        assert_eq!(
            trimmed("/rustc/4a4e/library/core/src/panicking.rs"),
            "library/core/src/panicking.rs"
        );
        assert_eq!(
            trimmed("/h/.cargo/registry/src/index-1/talc-5.0.0/src/lib.rs"),
            "talc-5.0.0/src/lib.rs"
        );
        let here = std::env::current_dir().expect("a directory").join("src/main.rs");
        assert_eq!(trimmed(here.to_str().expect("text")), "src/main.rs");
    }

    #[test]
    fn an_image_without_a_twin_says_what_to_do() {
        let image = Image::from_bytes(Sample::default().build()).expect("a good image");
        assert!(matches!(symbolise(&image, &[1]), Err(BacktraceError::NoPath)));
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
