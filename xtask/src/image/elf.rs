//! What sealing, checking and stripping need to know of an ELF file.
//!
//! Only files that the linker has just written come here, but the reader is as careful as if they
//! were foreign: whatever is malformed is returned as an error.

use std::ops::Range;

use object::LittleEndian as LE;
use object::elf::{PF_W, PF_X, PT_LOAD, ProgramHeader64, SHT_NOBITS, SectionHeader64};
use object::read::elf::{ElfFile64, ProgramHeader as _, SectionHeader as _};

/// A parsed ELF file of 64 bits, little-endian.
pub type File<'a> = ElfFile64<'a, LE>;

/// One loaded segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Addresses it occupies.
    pub memory: Range<u64>,
    /// Bytes of the file that it is filled from; the rest is zero.
    pub file: Range<u64>,
    /// Whether it may be written.
    pub writable: bool,
    /// Whether it may be executed.
    pub executable: bool,
}

/// One named section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Addresses it occupies.
    pub memory: Range<u64>,
    /// Bytes of the file that it has, if it has any.
    pub file: Option<Range<u64>>,
}

/// Parses an ELF file.
pub fn parse(bytes: &[u8]) -> object::Result<File<'_>> {
    File::parse(bytes)
}

/// The loaded segments, in the file's order, without those that occupy no memory.
pub fn loaded_segments(file: &File<'_>) -> Vec<Segment> {
    let loaded =
        |header: &&ProgramHeader64<LE>| header.p_type(LE) == PT_LOAD && header.p_memsz.get(LE) > 0;
    file.elf_program_headers().iter().filter(loaded).map(segment).collect()
}

fn segment(header: &ProgramHeader64<LE>) -> Segment {
    let start = header.p_vaddr.get(LE);
    let offset = header.p_offset.get(LE);
    Segment {
        memory: start..start.saturating_add(header.p_memsz.get(LE)),
        file: offset..offset.saturating_add(header.p_filesz.get(LE)),
        writable: header.p_flags(LE).contains(PF_W),
        executable: header.p_flags(LE).contains(PF_X),
    }
}

/// The section named `name`.
pub fn section(file: &File<'_>, name: &str) -> Option<Section> {
    let (_, header) = file.elf_section_table().section_by_name(LE, name.as_bytes())?;
    Some(describe(header))
}

/// The name of the section whose bytes are at `offset` of the file, and how far in they are.
pub fn section_of(file: &File<'_>, offset: u64) -> Option<(String, u64)> {
    let table = file.elf_section_table();
    let holds = |header: &&SectionHeader64<LE>| {
        describe(header).file.is_some_and(|range| range.contains(&offset))
    };
    let header = table.iter().find(holds)?;
    let name = String::from_utf8_lossy(table.section_name(LE, header).ok()?).into_owned();
    Some((name, offset - header.sh_offset.get(LE)))
}

fn describe(header: &SectionHeader64<LE>) -> Section {
    let (address, offset) = (header.sh_addr.get(LE), header.sh_offset.get(LE));
    let bytes = header.sh_size.get(LE);
    Section {
        memory: address..address.saturating_add(bytes),
        file: (header.sh_type(LE) != SHT_NOBITS).then(|| offset..offset.saturating_add(bytes)),
    }
}
