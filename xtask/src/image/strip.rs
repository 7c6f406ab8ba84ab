//! Stripping: the image that travels has what is loaded and nothing else.
//!
//! Each segment's bytes lie on pages of their own in the file, at an offset that is its address
//! modulo a page, and the file ends on a whole page, so that a monitor can map them instead of
//! copying. Sections that are loaded keep their headers, for tools that look at them by name; these
//! and their names lie in what is left of the file header's page, which the seal ends. So does the
//! list of crates, of which nothing is loaded, or else on pages at the end.

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_abi::seal;
use object::elf::{
    FileHeader64, PT_GNU_STACK, PT_LOAD, PT_NOTE, PT_TLS, ProgramHeader64, SHF_ALLOC, SHT_NOBITS,
    SHT_NULL, SHT_PROGBITS, SHT_STRTAB, SectionHeader64, SymbolSection,
};
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::{ProgramHeader as _, SectionHeader as _};
use object::{LittleEndian as LE, U16, U32, U64};

use super::audit;
use super::elf::{self, File};

const FILE_HEADER_BYTES: u64 = size_of::<FileHeader64<LE>>() as u64;
const PROGRAM_HEADER_BYTES: u64 = size_of::<ProgramHeader64<LE>>() as u64;
const TABLE_ALIGNMENT: u64 = 8;
const SECTION_NAMES: &[u8] = b".shstrtab\0";

/// Why an image cannot be stripped.
#[derive(Debug, thiserror::Error)]
pub enum StripError {
    /// The file cannot be read.
    #[error("the linked image is not a sound ELF file: {0}")]
    NotElf(#[from] object::Error),
    /// A segment lies outside the file.
    #[error("the linked image is not a sound ELF file: its segment at {0:#x} has no bytes in it")]
    Truncated(u64),
    /// The headers leave no room for the seal.
    #[error(
        "the headers of the linked image take {0} bytes, and {max} are free before the seal: have \
            the linker script merge sections",
        max = seal::FIRST - seal::BYTES
    )]
    ManyHeaders(usize),
}

/// The bytes of `image` without symbols and debug information, with a list of `crates` unless that is
/// empty, and sealed.
pub fn strip(image: &[u8], crates: &[u8]) -> Result<Vec<u8>, StripError> {
    let file = elf::parse(image)?;
    let kept: Vec<&ProgramHeader64<LE>> = file
        .elf_program_headers()
        .iter()
        .filter(|header| [PT_LOAD, PT_NOTE, PT_TLS, PT_GNU_STACK].contains(&header.p_type(LE)))
        .collect();
    let Sections { mut headers, names } = kept_sections(&file, crates)?;
    let names_at = FILE_HEADER_BYTES + kept.len() as u64 * PROGRAM_HEADER_BYTES;
    let sections_at = (names_at + names.len() as u64).next_multiple_of(TABLE_ALIGNMENT);
    let mut out = vec![0; sections_at as usize + size_of_val(&headers[..])];
    let room = (seal::FIRST - seal::BYTES)
        .checked_sub(out.len())
        .ok_or(StripError::ManyHeaders(out.len()))?;
    let is_small = crates.len() <= room;
    let mut crates_at = out.len();
    if is_small {
        out.extend(crates);
    }
    let moved = place(&kept, image, &mut out)?;
    if !is_small {
        crates_at = out.len();
        out.extend(crates);
        out.resize(out.len().next_multiple_of(PAGE_BYTES as usize), 0);
    }
    let programs: Vec<ProgramHeader64<LE>> =
        kept.into_iter().map(|program| relocated(program, &moved)).collect();
    for section in &mut headers {
        let offset = section_offset(section, &moved, names_at, crates_at as u64);
        section.sh_offset = U64::new(LE, offset);
    }
    let mut header = *file.elf_header();
    header.e_phoff = U64::new(LE, FILE_HEADER_BYTES);
    header.e_phnum = U16::new(LE, programs.len() as u16);
    header.e_shoff = U64::new(LE, sections_at);
    header.e_shentsize = U16::new(LE, size_of::<SectionHeader64<LE>>() as u16);
    header.e_shnum = U16::new(LE, headers.len() as u16);
    header.e_shstrndx = U16::new(LE, SymbolSection(headers.len() as u16 - 1));
    put(&mut out, 0, bytes_of(&header));
    put(&mut out, FILE_HEADER_BYTES, bytes_of_slice(&programs));
    put(&mut out, names_at, &names);
    put(&mut out, sections_at, bytes_of_slice(&headers));
    seal::seal(&mut out);
    Ok(out)
}

/// Writes into room that was made before.
fn put(out: &mut [u8], at: u64, bytes: &[u8]) {
    out[at as usize..][..bytes.len()].copy_from_slice(bytes);
}

/// Where a segment's bytes were in the file, and where they are now.
struct Moved {
    from: u64,
    bytes: u64,
    to: u64,
}

/// Copies the bytes of all loaded segments.
fn place(
    programs: &[&ProgramHeader64<LE>],
    image: &[u8],
    out: &mut Vec<u8>,
) -> Result<Vec<Moved>, StripError> {
    let mut moved = Vec::new();
    for program in programs {
        let bytes = program.p_filesz.get(LE);
        if program.p_type(LE) != PT_LOAD || bytes == 0 {
            continue;
        }
        let data =
            program.data(LE, image).map_err(|()| StripError::Truncated(program.p_vaddr.get(LE)))?;
        let page = (out.len() as u64).next_multiple_of(PAGE_BYTES);
        let to = page + program.p_vaddr.get(LE) % PAGE_BYTES;
        out.resize(to as usize, 0);
        out.extend(data);
        moved.push(Moved { from: program.p_offset.get(LE), bytes, to });
    }
    out.resize(out.len().next_multiple_of(PAGE_BYTES as usize), 0);
    Ok(moved)
}

fn new_offset(offset: u64, moved: &[Moved]) -> Option<u64> {
    let inside = |place: &&Moved| (place.from..place.from + place.bytes).contains(&offset);
    moved.iter().find(inside).map(|place| place.to + (offset - place.from))
}

fn relocated(program: &ProgramHeader64<LE>, moved: &[Moved]) -> ProgramHeader64<LE> {
    let mut program = *program;
    // A segment without bytes keeps an offset that agrees with its address modulo a page.
    let offset = new_offset(program.p_offset.get(LE), moved)
        .filter(|_| program.p_filesz.get(LE) > 0)
        .unwrap_or(program.p_vaddr.get(LE) % PAGE_BYTES);
    program.p_offset = U64::new(LE, offset);
    program
}

/// Headers of the sections that stay, that of the list of crates if there is one, that of their names
/// last; and the names.
struct Sections {
    headers: Vec<SectionHeader64<LE>>,
    names: Vec<u8>,
}

fn kept_sections(file: &File<'_>, crates: &[u8]) -> object::Result<Sections> {
    let table = file.elf_section_table();
    let mut headers = vec![no_section()];
    let mut names = [b"\0", SECTION_NAMES].concat();
    for section in table.iter().filter(|section| section.sh_flags(LE).contains(SHF_ALLOC)) {
        let mut section = *section;
        let name = names.len() as u32;
        names.extend(table.section_name(LE, &section)?);
        names.push(0);
        section.sh_name = U32::new(LE, name);
        section.sh_link = U32::new(LE, 0);
        headers.push(section);
    }
    if !crates.is_empty() {
        let mut list = no_section();
        list.sh_name = U32::new(LE, names.len() as u32);
        list.sh_type = U32::new(LE, SHT_PROGBITS);
        list.sh_size = U64::new(LE, crates.len() as u64);
        list.sh_addralign = U64::new(LE, 1);
        headers.push(list);
        names.extend(audit::SECTION.as_bytes());
        names.push(0);
    }
    let mut strings = no_section();
    strings.sh_name = U32::new(LE, 1);
    strings.sh_type = U32::new(LE, SHT_STRTAB);
    strings.sh_size = U64::new(LE, names.len() as u64);
    strings.sh_addralign = U64::new(LE, 1);
    headers.push(strings);
    Ok(Sections { headers, names })
}

fn section_offset(
    section: &SectionHeader64<LE>,
    moved: &[Moved],
    names_at: u64,
    crates_at: u64,
) -> u64 {
    match section.sh_type(LE) {
        SHT_STRTAB => names_at,
        SHT_NULL | SHT_NOBITS => 0,
        _ if !section.sh_flags(LE).contains(SHF_ALLOC) => crates_at,
        _ => new_offset(section.sh_offset.get(LE), moved).unwrap_or(0),
    }
}

fn no_section() -> SectionHeader64<LE> {
    let (zero_u32, zero_u64) = (U32::new(LE, 0), U64::new(LE, 0));
    SectionHeader64 {
        sh_name: zero_u32,
        sh_type: U32::new(LE, SHT_NULL),
        sh_flags: U64::new(LE, object::elf::SectionFlags(0)),
        sh_addr: zero_u64,
        sh_offset: zero_u64,
        sh_size: zero_u64,
        sh_link: zero_u32,
        sh_info: zero_u32,
        sh_addralign: zero_u64,
        sh_entsize: zero_u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cold::bare_kernel;
    use crate::image::note;
    use ampoule_abi::messages::ImageNote;

    #[test]
    fn what_is_loaded_stays_and_the_file_is_whole_pages() {
        let kernel = bare_kernel::elf();
        let image = strip(&kernel, &[]).expect("a sound file");
        assert_eq!(image.len() as u64, 2 * PAGE_BYTES);
        let file = elf::parse(&image).expect("a sound file");
        let segments = elf::loaded_segments(&file);
        let bytes = &image[segments[0].file.start as usize..segments[0].file.end as usize];
        assert_eq!(bytes, kernel);
        assert_eq!(segments[0].file.start, PAGE_BYTES);
        assert_eq!(strip(&image, &[]).expect("once more"), image);
    }

    #[test]
    fn section_headers_keep_their_names_in_the_first_page() {
        let object = note::object_file(&ImageNote::default()).expect("a small object");
        let image = strip(&object, &[]).expect("a sound file");
        assert_eq!(image.len() as u64, PAGE_BYTES);
        let file = elf::parse(&image).expect("a sound file");
        assert!(elf::section(&file, ampoule_abi::note::SECTION).is_some());
        assert!(elf::section(&file, ".symtab").is_none());
    }

    /// The list's place in a file, and its bytes.
    fn list(image: &[u8]) -> (u64, &[u8]) {
        let file = elf::parse(image).expect("a sound file");
        let section = elf::section(&file, audit::SECTION).expect("the list's section");
        assert_eq!(section.memory.start, 0);
        let place = section.file.expect("bytes");
        (place.start, &image[place.start as usize..place.end as usize])
    }

    #[test]
    fn a_list_of_crates_has_the_first_page_s_room_or_pages_at_the_end() {
        let kernel = bare_kernel::elf();
        let without = strip(&kernel, &[]).expect("a sound file");
        let small = vec![7; 1000];
        let image = strip(&kernel, &small).expect("a sound file");
        assert_eq!(image.len(), without.len());
        let (at, bytes) = list(&image);
        assert!(at < PAGE_BYTES && bytes == small, "{at:#x}");
        assert_eq!(image[PAGE_BYTES as usize..], without[PAGE_BYTES as usize..]);
        for length in [4096, 4097] {
            let large = vec![7; length];
            let image = strip(&kernel, &large).expect("a sound file");
            assert_eq!(image.len(), without.len() + length.next_multiple_of(PAGE_BYTES as usize));
            assert_eq!(list(&image), (without.len() as u64, &large[..]));
        }
    }
}
