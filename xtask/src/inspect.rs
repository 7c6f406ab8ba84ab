//! What an image consists of: its notes, its segments, and where its bytes come from.

#[cfg(any(test, fuzzing))]
#[path = "inspect/fuzz.rs"]
pub mod fuzz;

use std::collections::BTreeMap;

use ampoule_abi::layout::{LARGE_PAGE_BYTES, MIN_MEMORY_BYTES};
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note;
use ampoule_boot::image::{MAX_NOTE_BYTES, MAX_PROGRAMS, MAX_SECTIONS};
use object::elf::PT_NOTE;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{LittleEndian as LE, Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex};
use prost::Message;
use serde::Serialize;

use crate::image::{audit, elf};
use crate::symbol;

/// Longest names of an image's sections, in bytes in all; those may overlap.
const MAX_SECTION_NAME_BYTES: u64 = 64 << 10;
/// Most characters of a section's name that are kept.
const MAX_NAME_CHARACTERS: usize = 200;
/// Longest names of a twin's symbols, in bytes in all; those may overlap as well.
const MAX_SYMBOL_BYTES: u64 = 64 << 20;

/// Why an image is not taken apart.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("it is not a sound ELF file of 64 bits: {0}")]
    NotElf(#[from] object::Error),
    /// It has more of something than images have.
    #[error("it has {found} {what}, and images have at most {most}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much there is, or more.
        found: u64,
        /// How much there may be.
        most: u64,
    },
}

/// An image, taken apart.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// What the image says about itself; absent if it has no readable note.
    pub function: Option<FunctionNote>,
    /// Every note.
    pub notes: Vec<Note>,
    /// What is loaded.
    pub segments: Vec<Segment>,
    /// What is loaded, by section.
    pub sections: Vec<Part>,
    /// What is loaded, by crate, largest first; empty without symbols.
    pub crates: Vec<Part>,
    /// The crates that the image lists as linked into it; absent if it has no readable list.
    pub linked: Option<Vec<LinkedCrate>>,
    /// Least guest memory that the image can be loaded into, in bytes.
    pub least_memory_bytes: u64,
}

/// An image's own note.
#[derive(Debug, Serialize)]
pub struct FunctionNote {
    pub abi_version: u32,
    pub name: String,
    pub version: String,
    pub memory_bytes: u64,
    pub stack_bytes: u64,
    pub timeout_ms: Option<u64>,
    pub capabilities: Vec<String>,
    pub event_modes: Vec<String>,
}

/// One ELF note.
#[derive(Debug, Serialize)]
pub struct Note {
    pub owner: String,
    pub kind: u32,
    pub bytes: usize,
}

/// One loaded segment.
#[derive(Debug, Serialize)]
pub struct Segment {
    pub address: u64,
    pub memory_bytes: u64,
    pub file_bytes: u64,
    pub writable: bool,
    pub executable: bool,
}

/// A named part and its size in memory.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    pub name: String,
    pub bytes: u64,
}

/// A crate that an image lists.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LinkedCrate {
    pub name: String,
    pub version: String,
}

/// Takes `image` apart, with the symbols of `twin`, the same image unstripped.
pub fn inspect(image: &[u8], twin: Option<&[u8]>) -> Result<Inspection, InspectError> {
    let file = bounded(image)?;
    let segments = elf::loaded_segments(&file);
    let end = segments.iter().map(|segment| segment.memory.end).max().unwrap_or(0);
    let (notes, function) = notes(&file, image)?;
    Ok(Inspection {
        function,
        notes,
        segments: segments.into_iter().map(segment).collect(),
        sections: sections(&file)?,
        crates: match twin {
            Some(twin) => crates(&elf::parse(twin)?)?,
            None => Vec::new(),
        },
        linked: audit::read(&file, image)
            .map(|list| list.packages.into_iter().map(linked_crate).collect()),
        least_memory_bytes: least_memory(end),
    })
}

/// Parses an image, unless it has more of something than images have: where headers name the same bytes
/// again and again, to go through them all may take forever.
fn bounded(image: &[u8]) -> Result<elf::File<'_>, InspectError> {
    let file = elf::parse(image)?;
    let programs = file.elf_program_headers();
    at_most("program headers", programs.len() as u64, MAX_PROGRAMS.into())?;
    let sections = file.elf_section_table();
    at_most("sections", sections.len() as u64, MAX_SECTIONS.into())?;
    // Where there are no sections, that names none.
    let names = SectionIndex(file.elf_header().shstrndx(LE, image).unwrap_or(0) as usize);
    let name_bytes = sections.section(names).map_or(0, |names| names.sh_size.get(LE));
    at_most("bytes of sections' names", name_bytes, MAX_SECTION_NAME_BYTES)?;
    let notes = programs.iter().filter(|program| program.p_type(LE) == PT_NOTE);
    let note_bytes = notes.fold(0, |sum, notes| notes.p_filesz.get(LE).saturating_add(sum));
    at_most("bytes of notes", note_bytes, MAX_NOTE_BYTES)?;
    Ok(file)
}

fn at_most(what: &'static str, found: u64, most: u64) -> Result<(), InspectError> {
    if found > most { Err(InspectError::TooMuch { what, found, most }) } else { Ok(()) }
}

fn linked_crate(package: auditable_serde::Package) -> LinkedCrate {
    LinkedCrate { name: package.name, version: package.version.to_string() }
}

/// Least memory in which an image that ends at `end` has room; any number may stand in a file.
fn least_memory(end: u64) -> u64 {
    end.checked_next_multiple_of(LARGE_PAGE_BYTES).unwrap_or(u64::MAX).max(MIN_MEMORY_BYTES)
}

fn segment(segment: elf::Segment) -> Segment {
    Segment {
        address: segment.memory.start,
        memory_bytes: segment.memory.end - segment.memory.start,
        file_bytes: segment.file.end - segment.file.start,
        writable: segment.writable,
        executable: segment.executable,
    }
}

fn notes(file: &elf::File<'_>, image: &[u8]) -> object::Result<(Vec<Note>, Option<FunctionNote>)> {
    let (mut found, mut function) = (Vec::new(), None);
    for program in file.elf_program_headers() {
        let Some(mut notes) = program.notes(LE, image)? else { continue };
        while let Some(note) = notes.next()? {
            let kind = note.n_type(LE).0;
            if note.name() == note::OWNER.as_bytes() && kind == note::TYPE {
                // The one that counts.
                function.get_or_insert(note.desc());
            }
            let owner = String::from_utf8_lossy(note.name()).into_owned();
            found.push(Note { owner, kind, bytes: note.desc().len() });
        }
    }
    let function = function.and_then(|descriptor| ImageNote::decode(descriptor).ok());
    Ok((found, function.map(function_note)))
}

fn function_note(note: ImageNote) -> FunctionNote {
    FunctionNote {
        abi_version: note.abi_version,
        name: note.name,
        version: note.version,
        memory_bytes: note.memory_bytes,
        stack_bytes: note.stack_bytes,
        timeout_ms: Some(note.timeout_ms).filter(|&timeout_ms| timeout_ms > 0),
        capabilities: note.capabilities,
        event_modes: note.event_modes,
    }
}

fn sections(file: &elf::File<'_>) -> object::Result<Vec<Part>> {
    let name = |name: &str| name.chars().take(MAX_NAME_CHARACTERS).collect();
    file.sections()
        .filter(is_loaded)
        .map(|section| Ok(Part { name: name(section.name()?), bytes: section.size() }))
        .collect()
}

fn is_loaded<'data: 'file, 'file>(section: &impl ObjectSection<'data>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
    sh_flags.contains(object::elf::SHF_ALLOC) && section.size() > 0
}

/// Sizes of symbols, added up by the crate they were written in.
fn crates(file: &elf::File<'_>) -> Result<Vec<Part>, InspectError> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    let mut name_bytes = 0;
    for symbol in file.symbols().filter(|symbol| symbol.is_definition() && symbol.size() > 0) {
        let name = symbol.name().unwrap_or_default();
        name_bytes += name.len() as u64;
        at_most("bytes of symbols' names in its twin", name_bytes, MAX_SYMBOL_BYTES)?;
        let size = sizes.entry(symbol::crate_of(name).unwrap_or_else(|| "(not Rust)".into()));
        let size = size.or_default();
        *size = size.saturating_add(symbol.size());
    }
    let mut parts: Vec<Part> =
        sizes.into_iter().map(|(name, bytes)| Part { name, bytes }).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use object::elf::{FileHeader64, ProgramHeader64, SectionHeader64};
    use object::pod::{bytes_of, bytes_of_slice};
    use object::{U16, U32, U64};

    use super::*;
    use crate::bench::cold::bare_kernel;
    use crate::image::note::elf_note;
    use crate::image::sample;

    /// An ELF file of these notes, which so many program headers name.
    fn file(notes: &[u8], programs: usize) -> Vec<u8> {
        let header_bytes = size_of::<FileHeader64<LE>>();
        let mut header = *elf::parse(&bare_kernel::elf()).expect("an ELF file").elf_header();
        header.e_phnum = U16::new(LE, programs as u16);
        let program = ProgramHeader64 {
            p_type: U32::new(LE, PT_NOTE),
            p_flags: Default::default(),
            p_offset: U64::new(
                LE,
                (header_bytes + programs * size_of::<ProgramHeader64<LE>>()) as u64,
            ),
            p_vaddr: U64::default(),
            p_paddr: U64::default(),
            p_filesz: U64::new(LE, notes.len() as u64),
            p_memsz: U64::default(),
            p_align: U64::new(LE, 4),
        };
        [bytes_of(&header), bytes_of_slice(&vec![program; programs]), notes].concat()
    }

    fn refused(image: &[u8]) -> String {
        inspect(image, None).expect_err("it has too much").to_string()
    }

    #[test]
    fn of_two_notes_of_one_kind_the_first_counts() {
        let [one, two] = ["one", "two"].map(|name| {
            let note = ImageNote { name: name.into(), ..Default::default() };
            elf_note(note::TYPE, &note.encode_to_vec())
        });
        let inspection = inspect(&file(&[&*one, &*two].concat(), 1), None).expect("two notes");
        assert_eq!(inspection.notes.len(), 2);
        assert_eq!(inspection.function.expect("the first").name, "one");
        let damaged = elf_note(note::TYPE, &[0xff; 4]);
        let inspection = inspect(&file(&[damaged, two].concat(), 1), None).expect("two notes");
        assert!(inspection.function.is_none());
    }

    #[test]
    fn what_no_image_has_is_refused_before_it_is_listed() {
        let note = elf_note(note::TYPE, &[]);
        let programs = MAX_PROGRAMS as usize;
        assert_eq!(inspect(&file(&note, programs), None).expect("few").notes.len(), programs);
        let told = refused(&file(&note, programs + 1));
        assert!(told.contains("65 program headers") && told.contains("at most 64"), "{told}");
        let told = refused(&file(&vec![0; 12 << 10], 6));
        assert!(told.contains("73728 bytes of notes"), "{told}");
        let (mut object, _) = sample();
        let header = *elf::parse(&object).expect("an ELF file").elf_header();
        let strings = header.e_shoff.get(LE) as usize
            + usize::from(header.e_shstrndx.get(LE).0) * size_of::<SectionHeader64<LE>>();
        let size = strings + std::mem::offset_of!(SectionHeader64<LE>, sh_size);
        object[size..size + 8].copy_from_slice(&(1_u64 << 20).to_le_bytes());
        let told = refused(&object);
        assert!(told.contains("1048576 bytes of sections' names"), "{told}");
    }
}
