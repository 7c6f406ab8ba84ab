//! Why an image is refused. Each message says what to change; build tools print it as it is.

use std::path::PathBuf;

use ampoule_abi::seal::Checksums;
use ampoule_abi::{ABI_VERSION, layout};

use crate::units::{self, UnitError};

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no image at {}: build it with `cargo xtask build-fn NAME`, or check the \
        path", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The path names something that holds no bytes of its own.
    #[error("{} is not a regular file: name the .elf file of an image", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the image {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not an image that this launcher runs.
    #[error("{} cannot be run: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The check that failed.
        source: ImageError,
    },
}

/// The first of the contract's rules that an image breaks (SPEC C7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file does not start as an ELF file does.
    #[error("it is not an ELF file: build an image with `cargo xtask build-fn NAME`")]
    NotElf,
    /// The file is larger than any image.
    #[error(
        "it is larger than {}: leave data out of the image and send it on STDIN",
        units::bytes(super::MAX_IMAGE_BYTES)
    )]
    TooLarge,
    /// A table or a segment reaches past the end of the file, or makes no sense.
    #[error("it is damaged ({0}): copy or build it again")]
    Damaged(&'static str),
    /// It is not what was sealed.
    #[error(
        "it was altered after it was built: its checksum is xxh64:{:016x}, and it was sealed with \
            xxh64:{:016x}; copy or build it again",
        .0.found, .0.claimed
    )]
    Altered(Checksums),
    /// It was sealed, and the seal is gone.
    #[error(
        "its seal is gone: it was altered after it was built, or it is the NAME.debug beside an \
            image; run NAME.elf, or build it again"
    )]
    NoSeal,
    /// Another kind of ELF file.
    #[error(
        "it is an ELF file of {found}, but an image is of {wanted}: link with --target \
            x86_64-unknown-linux-gnu, statically and without PIE"
    )]
    WrongKind {
        /// What the file is.
        found: String,
        /// What an image is.
        wanted: &'static str,
    },
    /// It asks for an interpreter.
    #[error("it asks for a dynamic linker (PT_INTERP): link it with -static and -no-pie")]
    Interpreter,
    /// It has a dynamic section.
    #[error("it has a dynamic section (PT_DYNAMIC): link it with -static and -no-pie")]
    Dynamic,
    /// It keeps relocations that nobody would apply.
    #[error(
        "it still holds relocations (section {0}): link it with -no-pie and without --emit-relocs"
    )]
    Relocations(String),
    /// Nothing to load.
    #[error("it has no segment to load (PT_LOAD): is the linker script the runtime's own?")]
    NoSegment,
    /// A segment that could be written and run.
    #[error(
        "the segment at {address:#x} is both writable and executable: give code and data \
            segments of their own in the linker script"
    )]
    WritableCode {
        /// Guest-physical address of the segment.
        address: u64,
    },
    /// A segment that shares a page with what lies before it.
    #[error(
        "the segment at {address:#x} does not start on a page: align it to {} in the linker script",
        layout::PAGE_BYTES
    )]
    Unaligned {
        /// Guest-physical address of the segment.
        address: u64,
    },
    /// Two segments want the same memory.
    #[error(
        "the segments at {first:#x} and {second:#x} overlap: give each its own range in the linker script"
    )]
    Overlap {
        /// Guest-physical address of the lower segment.
        first: u64,
        /// Guest-physical address of the upper one.
        second: u64,
    },
    /// A segment that is loaded elsewhere than its code expects it; page tables map one to one.
    #[error(
        "the segment at {address:#x} would be loaded at {load_address:#x}: remove AT() from the \
            linker script"
    )]
    NotIdentity {
        /// Where code sees the segment.
        address: u64,
        /// Where it is loaded.
        load_address: u64,
    },
    /// A segment outside the range for images.
    #[error(
        "the segment at {address:#x} (to {end:#x}) lies outside {:#x}..{:#x}: link the image at {:#x}",
        layout::IMAGE_BASE,
        layout::MAX_IMAGE_END,
        layout::IMAGE_BASE
    )]
    Misplaced {
        /// Guest-physical address of the segment.
        address: u64,
        /// First address after it.
        end: u64,
    },
    /// An entry point that is not code.
    #[error(
        "the {which} entry point {address:#x} is not inside an executable segment: is `_start` \
            linked, and ENTRY set?"
    )]
    Entry {
        /// Which of them: `ELF`, `PVH` or `direct`.
        which: &'static str,
        /// The address.
        address: u64,
    },
    /// No PVH note.
    #[error(
        "it has no PVH note (owner Xen, type 18), so no monitor can boot it: link the runtime \
            library's boot code"
    )]
    NoPvhNote,
    /// No note of ours.
    #[error(
        "it has no Ampoule note, so it is not a function's image: build one with `cargo xtask build-fn NAME`"
    )]
    NoNote,
    /// A queue of the console's lies where nothing may be written, or where the file has content.
    #[error(
        "its machine note has part of a queue at {address:#x}, which is not aligned and whole in \
            zeroed, writable memory of its own: build it again"
    )]
    Queue {
        /// The queue's address.
        address: u64,
    },
    /// A part of the state to enter with that is not in the image.
    #[error(
        "its entry note has a table, stack, task or store at {address:#x}, which is not aligned and whole in \
            one of its segments: build it again"
    )]
    EntryState {
        /// The part's address.
        address: u64,
    },
    /// Two notes of one kind, of which those who boot the image take this or that.
    #[error("it has more than one {0} note: link the runtime library's own, and no other")]
    NoteTwice(&'static str),
    /// A note that cannot be read.
    #[error("its {0} note cannot be read: build it again with `cargo xtask build-fn NAME`")]
    BadNote(&'static str),
    /// A contract that this launcher does not know.
    #[error("it was built for ABI version {found}, but this launcher knows {}: {}", known_versions(), remedy(*found))]
    UnknownAbi {
        /// The image's ABI version.
        found: u32,
    },
    /// A name that cannot be an argument or be printed.
    #[error(
        "its note names the function {0:?}: a name is 1 to 255 bytes of printable characters without \
            space"
    )]
    BadName(String),
    /// No version, or one that cannot be printed.
    #[error(
        "its note says that the function's version is {0:?}: set `version` in [package], to 1 to 255 \
            bytes of printable characters without space"
    )]
    BadVersion(String),
    /// No stack.
    #[error("its note asks for a stack of 0 bytes: set `stack` in [package.metadata.fn]")]
    NoStack,
    /// An event mode that the contract does not know.
    #[error(
        "its note names the event mode {0:?}, but there are only {modes}: correct `event-modes` \
            in [package.metadata.fn]",
        modes = super::notes::EVENT_MODES.join(", ")
    )]
    UnknownEventMode(String),
    /// An event mode that says nothing new.
    #[error(
        "its note names the event mode {0:?} twice: correct `event-modes` in [package.metadata.fn]"
    )]
    EventModeTwice(String),
    /// Something that no caller can grant.
    #[error(
        "its note asks for the capability {0:?}, which this launcher does not know and so never \
            grants: remove it from `capabilities` in [package.metadata.fn], or update the launcher"
    )]
    UnknownCapability(String),
    /// Memory that no guest can have.
    #[error("its note asks for memory it cannot have: {0}; set `memory` in [package.metadata.fn]")]
    Memory(UnitError),
    /// Not enough memory for itself.
    #[error("it ends at {end:#x} but has only {} of memory: set `memory` to at least {} in \
        [package.metadata.fn], or run it with --memory", units::bytes(*memory_bytes), units::bytes(least_memory(*end)))]
    DoesNotFit {
        /// First guest-physical address after the image.
        end: u64,
        /// The memory there is.
        memory_bytes: u64,
    },
}

/// The least memory a guest can have whose image ends at `end`.
pub(crate) fn least_memory(end: u64) -> u64 {
    units::nearest_memory(end.next_multiple_of(layout::LARGE_PAGE_BYTES))
}

fn known_versions() -> String {
    match ABI_VERSION {
        1 => "version 1".to_owned(),
        newest => format!("versions {} and {newest}", newest - 1),
    }
}

fn remedy(found: u32) -> &'static str {
    match found > ABI_VERSION {
        true => "update the launcher, or build the image with this project's own",
        false => "build the image again with `cargo xtask build-fn NAME`",
    }
}
