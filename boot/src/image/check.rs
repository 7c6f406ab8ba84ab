//! The contract's rules for an image, in the order in which they are best reported (SPEC C7).
//!
//! Pure: bytes in, facts or the first broken rule out. The build seals an image only if this
//! passes, and every launch runs it again, because files change hands.

#[cfg(test)]
mod tests;

use ampoule_abi::layout::{IMAGE_BASE, MAX_IMAGE_END, PAGE_BYTES};
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note::{self, EntryNote, MachineNote, QueueAddresses};
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian, ReadRef};

use super::error::ImageError;
use super::notes::Notes;
use crate::units;

type Header = FileHeader64<LittleEndian>;
type Program = ProgramHeader64<LittleEndian>;

/// Most program headers: what a file of any length costs is bounded.
pub const MAX_PROGRAMS: u32 = 64;
/// Most section headers.
pub const MAX_SECTIONS: u32 = 1024;
/// Longest name of a section that is told, in bytes.
const MAX_SECTION_NAME: usize = 255;

/// What is known of an image that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the function says of itself.
    pub note: ImageNote,
    /// Guest-physical address at which PVH boot enters.
    pub pvh_entry: u64,
    /// What the image says of its machine, if it does.
    pub machine: Option<MachineNote>,
    /// Where its boot code would end up, if it says so.
    pub direct_entry: Option<EntryNote>,
    /// What is loaded, by ascending address.
    pub segments: Vec<Segment>,
}

impl Facts {
    /// First guest-physical address after the image.
    pub fn end(&self) -> u64 {
        self.segments.last().map_or(IMAGE_BASE, Segment::end)
    }

    /// Checks that the image can run in `memory_bytes`.
    pub fn check_fits(&self, memory_bytes: u64) -> Result<(), ImageError> {
        match self.end() <= memory_bytes {
            true => Ok(()),
            false => Err(ImageError::DoesNotFit { end: self.end(), memory_bytes }),
        }
    }
}

/// A range of guest memory that is filled from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Guest-physical address.
    pub address: u64,
    /// Length in memory, in bytes.
    pub memory_bytes: u64,
    /// Where its contents are in the file; what lies beyond them in memory is zero.
    pub file: std::ops::Range<usize>,
    /// Whether the function can write to it.
    pub writable: bool,
    /// Whether the function can execute it.
    pub executable: bool,
}

impl Segment {
    /// First guest-physical address after it.
    pub fn end(&self) -> u64 {
        self.address + self.memory_bytes
    }
}

/// Checks everything that the contract asks of an image; the first broken rule is the error.
pub fn check<'data>(bytes: impl ReadRef<'data>) -> Result<Facts, ImageError> {
    let length = bytes.len().map_err(|()| ImageError::Damaged("the file"))?;
    if length > super::MAX_IMAGE_BYTES {
        return Err(ImageError::TooLarge);
    }
    let header = file_header(bytes)?;
    let programs = program_headers(header, bytes)?;
    let notes = Notes::of(programs, bytes)?;
    // First, since advice on linking is of no use for a program that was never to be an image.
    let note = notes.image_note()?;
    check_static(header, programs, bytes)?;
    let segments = segments(programs, length)?;
    let pvh_entry = notes.pvh_entry()?;
    check_entry("PVH", pvh_entry, &segments)?;
    check_entry("ELF", header.e_entry.get(LittleEndian), &segments)?;
    units::check_memory(note.memory_bytes).map_err(ImageError::Memory)?;
    let machine = notes.machine()?;
    if let Some(machine) = machine {
        check_queue(machine.receive, machine.size, &segments)?;
        check_queue(machine.transmit, machine.size, &segments)?;
    }
    let direct_entry = notes.entry()?;
    if let Some(entry) = direct_entry {
        check_direct_entry(entry, &segments)?;
    }
    let facts = Facts { note, pvh_entry, machine, direct_entry, segments };
    facts.check_fits(facts.note.memory_bytes)?;
    Ok(facts)
}

fn file_header<'data>(bytes: impl ReadRef<'data>) -> Result<&'data Header, ImageError> {
    let magic = bytes.read_bytes_at(0, elf::ELFMAG.len() as u64).unwrap_or_default();
    if magic != elf::ELFMAG {
        return Err(ImageError::NotElf);
    }
    let wrong = |found: String, wanted| Err(ImageError::WrongKind { found, wanted });
    match bytes.read_bytes_at(0, 6).unwrap_or_default() {
        [_, _, _, _, 2, 1, ..] => {}
        [_, _, _, _, 1, ..] => return wrong("32 bits".to_owned(), "64 bits"),
        [_, _, _, _, 2, 2, ..] => {
            return wrong("big-endian byte order".to_owned(), "little-endian order");
        }
        _ => return Err(ImageError::Damaged("the file header")),
    }
    let header = Header::parse(bytes).map_err(|_| ImageError::Damaged("the file header"))?;
    // There are none for x86-64, and QEMU starts no file that has some.
    if header.e_flags.get(LittleEndian).0 != 0 {
        return Err(ImageError::Damaged("the file header's flags"));
    }
    match header.e_machine.get(LittleEndian) {
        elf::EM_X86_64 => Ok(header),
        other => wrong(format!("machine {}", other.0), "x86-64 (machine 62)"),
    }
}

fn program_headers<'data>(
    header: &'data Header,
    bytes: impl ReadRef<'data>,
) -> Result<&'data [Program], ImageError> {
    let damaged = |_| ImageError::Damaged("the program header table");
    if header.phnum(LittleEndian, bytes).map_err(damaged)? > MAX_PROGRAMS {
        return Err(ImageError::Damaged("more than 64 program headers"));
    }
    header.program_headers(LittleEndian, bytes).map_err(damaged)
}

/// Linked to one place, no interpreter, no dynamic section, no relocations left.
fn check_static<'data>(
    header: &Header,
    programs: &[Program],
    bytes: impl ReadRef<'data>,
) -> Result<(), ImageError> {
    let found = match header.e_type.get(LittleEndian) {
        elf::ET_EXEC => None,
        elf::ET_DYN => Some("type DYN (position-independent)".to_owned()),
        elf::ET_REL => Some("type REL (an object file)".to_owned()),
        other => Some(format!("type {}", other.0)),
    };
    if let Some(found) = found {
        return Err(ImageError::WrongKind { found, wanted: "type EXEC (static)" });
    }
    for program in programs {
        match program.p_type(LittleEndian) {
            elf::PT_INTERP => return Err(ImageError::Interpreter),
            elf::PT_DYNAMIC => return Err(ImageError::Dynamic),
            _ => {}
        }
    }
    let damaged = |_| ImageError::Damaged("the section header table");
    if header.shnum(LittleEndian, bytes).map_err(damaged)? > MAX_SECTIONS {
        return Err(ImageError::Damaged("more than 1024 section headers"));
    }
    let sections = header.sections(LittleEndian, bytes).map_err(damaged)?;
    for section in sections.iter() {
        let kind = section.sh_type(LittleEndian);
        let relocations = [elf::SHT_REL, elf::SHT_RELA, elf::SHT_RELR].contains(&kind);
        if relocations && section.sh_size(LittleEndian) > 0 {
            let name = sections.section_name(LittleEndian, section).ok();
            let name = name.filter(|name| name.len() <= MAX_SECTION_NAME);
            let name = name.unwrap_or(b"without a name");
            return Err(ImageError::Relocations(name.escape_ascii().to_string()));
        }
    }
    Ok(())
}

fn segments(programs: &[Program], file_bytes: u64) -> Result<Vec<Segment>, ImageError> {
    let loaded = programs.iter().filter(|program| program.p_type(LittleEndian) == elf::PT_LOAD);
    let mut segments = Vec::new();
    for program in loaded.filter(|program| program.p_memsz(LittleEndian) > 0) {
        segments.push(segment(program, file_bytes)?);
    }
    segments.sort_by_key(|segment| segment.address);
    for pair in segments.windows(2) {
        if pair[0].end() > pair[1].address {
            return Err(ImageError::Overlap { first: pair[0].address, second: pair[1].address });
        }
    }
    if segments.is_empty() { Err(ImageError::NoSegment) } else { Ok(segments) }
}

fn segment(program: &Program, file_length: u64) -> Result<Segment, ImageError> {
    let load_address = program.p_paddr(LittleEndian);
    let address = program.p_vaddr(LittleEndian);
    if address != load_address {
        return Err(ImageError::NotIdentity { address, load_address });
    }
    let memory_bytes = program.p_memsz(LittleEndian);
    let flags = program.p_flags(LittleEndian).0;
    let (writable, executable) = (flags & elf::PF_W.0 != 0, flags & elf::PF_X.0 != 0);
    let end = address
        .checked_add(memory_bytes)
        .ok_or(ImageError::Damaged("a segment that wraps around the end of memory"))?;
    if address < IMAGE_BASE || end > MAX_IMAGE_END {
        return Err(ImageError::Misplaced { address, end });
    }
    if writable && executable {
        return Err(ImageError::WritableCode { address });
    }
    // Permissions hold for pages: a segment that begins inside one would share it with another.
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(ImageError::Unaligned { address });
    }
    let (offset, file_bytes) = (program.p_offset(LittleEndian), program.p_filesz(LittleEndian));
    if file_bytes > memory_bytes {
        return Err(ImageError::Damaged("a segment that is longer in the file than in memory"));
    }
    let file_end = offset.checked_add(file_bytes).filter(|&end| end <= file_length);
    let file_end = file_end.ok_or(ImageError::Damaged("a segment past the end of the file"))?;
    let file = offset as usize..file_end as usize;
    Ok(Segment { address, memory_bytes, file, writable, executable })
}

fn check_entry(which: &'static str, address: u64, segments: &[Segment]) -> Result<(), ImageError> {
    let code = |segment: &&Segment| {
        segment.executable && (segment.address..segment.end()).contains(&address)
    };
    segments.iter().find(code).map(|_| ()).ok_or(ImageError::Entry { which, address })
}

/// What the processor is pointed to lies in the image.
fn check_direct_entry(entry: EntryNote, segments: &[Segment]) -> Result<(), ImageError> {
    check_entry("direct", entry.instruction, segments)?;
    let [code, data, task] = entry.selectors;
    // A task's descriptor takes two places.
    let last = code.max(data).max(task.saturating_add(8)) | 7;
    if code & 7 != 3 || data & 7 != 3 || task & 7 != 0 || last > entry.descriptors.limit {
        return Err(ImageError::BadNote("entry"));
    }
    let table = |table: note::Table| (table.address, u64::from(table.limit) + 1);
    for (address, bytes) in [
        (entry.root, PAGE_BYTES),
        (entry.task, EntryNote::TASK_BYTES),
        (entry.stack.saturating_sub(8), 8),
        table(entry.descriptors),
        table(entry.interrupts),
    ] {
        let end = address.checked_add(bytes).ok_or(ImageError::EntryState { address })?;
        let is_in = |segment: &Segment| segment.address <= address && end <= segment.end();
        if !segments.iter().any(is_in) {
            return Err(ImageError::EntryState { address });
        }
    }
    if !entry.root.is_multiple_of(PAGE_BYTES) {
        return Err(ImageError::EntryState { address: entry.root });
    }
    for address in entry.stores.map(|store| store.address).into_iter().filter(|&to| to != 0) {
        if !is_zeroed(address, 8, 8, segments) {
            return Err(ImageError::EntryState { address });
        }
    }
    Ok(())
}

/// A queue's parts lie in what is zero at first.
fn check_queue(queue: QueueAddresses, size: u16, segments: &[Segment]) -> Result<(), ImageError> {
    for (address, bytes, alignment) in queue.parts(size) {
        if !is_zeroed(address, bytes, alignment, segments) {
            return Err(ImageError::Queue { address });
        }
    }
    Ok(())
}

/// Whether a place is aligned, and whole in what is writable and zero at first.
fn is_zeroed(address: u64, bytes: u64, alignment: u64, segments: &[Segment]) -> bool {
    let Some(end) = address.checked_add(bytes) else { return false };
    let is_in = |segment: &Segment| {
        let start = segment.address + segment.file.len() as u64;
        segment.writable && start <= address && end <= segment.end()
    };
    address.is_multiple_of(alignment) && segments.iter().any(is_in)
}
