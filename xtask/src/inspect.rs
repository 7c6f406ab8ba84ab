//! What an image consists of: its notes, its segments, and where its bytes come from.

#[cfg(any(test, fuzzing))]
#[path = "inspect/fuzz.rs"]
pub mod fuzz;

use std::collections::BTreeMap;

use ampoule_abi::layout::{LARGE_PAGE_BYTES, MIN_MEMORY_BYTES};
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note;
use object::read::elf::ProgramHeader as _;
use object::{LittleEndian as LE, Object, ObjectSection, ObjectSymbol, SectionFlags};
use prost::Message;
use serde::Serialize;

use crate::image::{audit, elf};
use crate::symbol;

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
pub fn inspect(image: &[u8], twin: Option<&[u8]>) -> object::Result<Inspection> {
    let file = elf::parse(image)?;
    let segments = elf::loaded_segments(&file);
    let end = segments.iter().map(|segment| segment.memory.end).max().unwrap_or(0);
    let (notes, function) = notes(&file, image)?;
    Ok(Inspection {
        function,
        notes,
        segments: segments.into_iter().map(segment).collect(),
        sections: sections(&file)?,
        crates: match twin {
            Some(twin) => crates(&elf::parse(twin)?),
            None => Vec::new(),
        },
        linked: audit::read(&file, image)
            .map(|list| list.packages.into_iter().map(linked_crate).collect()),
        least_memory_bytes: least_memory(end),
    })
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
                function = ImageNote::decode(note.desc()).ok().map(function_note);
            }
            let owner = String::from_utf8_lossy(note.name()).into_owned();
            found.push(Note { owner, kind, bytes: note.desc().len() });
        }
    }
    Ok((found, function))
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
    file.sections()
        .filter(is_loaded)
        .map(|section| Ok(Part { name: section.name()?.to_owned(), bytes: section.size() }))
        .collect()
}

fn is_loaded<'data: 'file, 'file>(section: &impl ObjectSection<'data>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
    sh_flags.contains(object::elf::SHF_ALLOC) && section.size() > 0
}

/// Sizes of symbols, added up by the crate they were written in.
fn crates(file: &elf::File<'_>) -> Vec<Part> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.is_definition() && symbol.size() > 0) {
        let name = symbol::crate_of(symbol.name().unwrap_or_default());
        let size = sizes.entry(name.unwrap_or_else(|| "(not Rust)".into())).or_default();
        *size = size.saturating_add(symbol.size());
    }
    let mut parts: Vec<Part> =
        sizes.into_iter().map(|(name, bytes)| Part { name, bytes }).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    parts
}
