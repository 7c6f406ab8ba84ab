//! Sealing: a linked image gets its page tables, in place.

use ampoule_abi::layout::{PAGE_TABLES_SECTION, SYSTEM_SECTION};

use super::elf::{self, File, Section};
use super::page_tables::{self, PageTablesError, Plan};

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
    /// The tables cannot be laid out.
    #[error(transparent)]
    PageTables(#[from] PageTablesError),
}

/// Fills in the page tables of `image`. Doing it twice changes nothing more.
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
    Ok(())
}

fn find(file: &File<'_>, name: &'static str) -> Result<Section, SealError> {
    elf::section(file, name).ok_or(SealError::NoSection(name))
}
