//! Sealing: a linked image gets its page tables and the flags of its machine note, in place.

use std::ops::Range;

use ampoule_abi::layout::{PAGE_TABLES_SECTION, SYSTEM_SECTION};
use ampoule_abi::note::{self, MachineNote};

use super::elf::{self, File, Section};
use super::note::header;
use super::page_tables::{self, PageTablesError, Plan};

/// Where the linker script puts notes.
const NOTES_SECTION: &str = ".note";

/// Why an image cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The linker's output cannot be read.
    #[error("the linker's output is not an ELF file of 64 bits: {0}")]
    NotElf(#[from] object::Error),
    /// A section of the runtime is missing.
    #[error(
        "section {0} is missing; the function must use the runtime: `ampoule::main!(run);` in its \
         main.rs"
    )]
    NoSection(&'static str),
    /// The room for the tables is not in the file.
    #[error(
        "section {PAGE_TABLES_SECTION} has no bytes in the file; it must be PROGBITS in the linker script"
    )]
    NoBytes,
    /// The runtime's machine note is missing.
    #[error("the machine note is missing; boot.s has it, and the linker script places it")]
    NoNote,
    /// The tables cannot be laid out.
    #[error(transparent)]
    PageTables(#[from] PageTablesError),
}

/// The instruction with which a program asks the processor what it can do.
const CPUID: [u8; 2] = [0x0f, 0xa2];

/// Fills in the page tables of `image`, and whether its code asks the processor what it can do.
/// Doing it twice changes nothing more.
pub fn seal(image: &mut [u8]) -> Result<(), SealError> {
    let (plan, room) = {
        let file = elf::parse(image)?;
        let tables = find(&file, PAGE_TABLES_SECTION)?;
        let plan = Plan {
            segments: elf::loaded_segments(&file),
            system: find(&file, SYSTEM_SECTION)?.memory.start,
            tables: tables.memory,
        };
        (plan, tables.file.ok_or(SealError::NoBytes)?)
    };
    let tables = page_tables::fill(&plan)?;
    let room = usize::try_from(room.start).ok().zip(usize::try_from(room.end).ok());
    let room = room.and_then(|(start, end)| image.get_mut(start..end)).ok_or(SealError::NoBytes)?;
    room.copy_from_slice(&tables);
    flag(image)
}

/// Sets the flag of the machine note. Bytes that are no `cpuid` but look like one cost a call the
/// time to find out, and no more.
fn flag(image: &mut [u8]) -> Result<(), SealError> {
    let (code, notes) = {
        let file = elf::parse(image)?;
        let segments = elf::loaded_segments(&file);
        let code: Vec<_> = segments.into_iter().filter(|it| it.executable).collect();
        (code, find(&file, NOTES_SECTION)?.file.ok_or(SealError::NoNote)?)
    };
    let bytes = |range: &Range<u64>| image.get(range.start as usize..range.end as usize);
    let asks = code
        .iter()
        .filter_map(|segment| bytes(&segment.file))
        .any(|code| code.windows(CPUID.len()).any(|window| window == CPUID));
    let header = header(note::MACHINE_TYPE, MachineNote::BYTES);
    let at = bytes(&notes)
        .and_then(|notes| notes.windows(header.len()).position(|window| window == header));
    let at = notes.start as usize + at.ok_or(SealError::NoNote)? + header.len();
    image[at] = asks.into();
    Ok(())
}

fn find(file: &File<'_>, name: &'static str) -> Result<Section, SealError> {
    elf::section(file, name).ok_or(SealError::NoSection(name))
}
