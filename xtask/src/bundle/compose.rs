//! A bundle's file: the launcher's segments and the image, laid out anew behind a page of headers
//! (`ampoule_boot::bundle` says where what lies).
//!
//! Every segment takes whole pages of its own, filled up with zeros, so that each byte of the file is
//! loaded, and none escapes the guard.

use ampoule_abi::layout::PAGE_BYTES;
use ampoule_abi::seal;
use ampoule_boot::bundle::{
    ADDRESS, GUARD_MARK, GUARD_SECTION, IMAGE_ADDRESS, PLACES_OFFSET, Places,
};
use object::elf::{
    FileHeader64, PF_R, PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, PT_TLS, ProgramFlags,
    ProgramHeader64, ProgramType, SectionHeader64, SymbolSection,
};
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::ProgramHeader as _;
use object::{LittleEndian as LE, U16, U32, U64};

use crate::image::elf::{self, File};

const FILE_HEADER_BYTES: usize = size_of::<FileHeader64<LE>>();
const CODE_ALIGNMENT: usize = 16;

/// The sections that only unwinding needs, in their order.
const UNWINDING: [&str; 3] = [".eh_frame_hdr", ".eh_frame", ".gcc_except_table"];

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The launcher cannot be read.
    #[error("the launcher is not a sound ELF file: {0}")]
    NotElf(#[from] object::Error),
    /// A segment of the launcher lies outside of its file.
    #[error("the launcher is not a sound ELF file: its segment at {0:#x} has no bytes in it")]
    Truncated(u64),
    /// It has no guard.
    #[error("the launcher has no section {GUARD_SECTION} that begins with its mark")]
    NoGuard,
    /// The guard is too long.
    #[error("headers and guard take {bytes} bytes, and a page has {PLACES_OFFSET}")]
    NoRoom {
        /// How long they are.
        bytes: usize,
    },
    /// Two segments are in each other's way.
    #[error("the launcher's segment at {0:#x} shares a page with another")]
    Overlap(u64),
}

/// A segment, laid out.
struct Segment {
    flags: ProgramFlags,
    /// Of its first page.
    address: u64,
    /// Whole pages.
    content: Vec<u8>,
    memory_bytes: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.address + self.memory_bytes
    }
}

/// The file of a bundle of this launcher and this image.
pub fn compose(launcher: &[u8], image: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let file = elf::parse(launcher)?;
    let segments = segments(&file, launcher, image)?;
    let headers = headers(&file, &segments);
    let guard = guard(&file, launcher)?;
    let guard_at = (FILE_HEADER_BYTES + size_of_val(&headers[..])).next_multiple_of(CODE_ALIGNMENT);
    if guard_at + guard.len() > PLACES_OFFSET as usize {
        return Err(ComposeError::NoRoom { bytes: guard_at + guard.len() });
    }
    let mut header = *file.elf_header();
    let launcher_entry = header.e_entry.get(LE);
    header.e_entry = U64::new(LE, ADDRESS + (guard_at + GUARD_MARK.len()) as u64);
    header.e_phoff = U64::new(LE, FILE_HEADER_BYTES as u64);
    header.e_phnum = U16::new(LE, headers.len() as u16);
    header.e_shoff = U64::new(LE, 0);
    header.e_shnum = U16::new(LE, 0);
    header.e_shstrndx = U16::new(LE, SymbolSection(0));
    let places =
        Places { entry: launcher_entry, image: IMAGE_ADDRESS, image_bytes: image.len() as u64 };
    let mut out = vec![0; PAGE_BYTES as usize];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, bytes_of(&header));
    put(FILE_HEADER_BYTES, bytes_of_slice(&headers));
    put(guard_at, guard);
    put(PLACES_OFFSET as usize, &places.write());
    for segment in segments {
        out.extend(segment.content);
    }
    seal::seal(&mut out);
    Ok(out)
}

/// What is loaded behind the first page: the launcher, and the image.
fn segments(file: &File<'_>, launcher: &[u8], image: &[u8]) -> Result<Vec<Segment>, ComposeError> {
    let unwinding = unwinding_start(file);
    let mut segments: Vec<Segment> = Vec::new();
    for program in file.elf_program_headers() {
        if program.p_type(LE) != PT_LOAD {
            continue;
        }
        let start = program.p_vaddr.get(LE);
        let mut data = program.data(LE, launcher).map_err(|()| ComposeError::Truncated(start))?;
        // The launcher aborts where others unwind.
        let flags = program.p_flags(LE);
        let kept = unwinding.filter(|_| flags == PF_R).and_then(|at| at.checked_sub(start));
        data = kept.and_then(|kept| data.get(..kept as usize)).unwrap_or(data);
        let lead = start % PAGE_BYTES;
        let address = start - lead;
        let mut content = vec![0; lead as usize];
        content.extend(data);
        fill_page(&mut content);
        let memory_bytes = (lead + program.p_memsz.get(LE)).max(content.len() as u64);
        let memory_bytes = if flags.contains(PF_W) { memory_bytes } else { content.len() as u64 };
        let end = segments.last().map_or(ADDRESS + PAGE_BYTES, Segment::end);
        if address < end {
            return Err(ComposeError::Overlap(start));
        }
        segments.push(Segment { flags, address, content, memory_bytes });
    }
    if let Some(last) = segments.last().filter(|last| last.end() > IMAGE_ADDRESS) {
        return Err(ComposeError::Overlap(last.address));
    }
    let mut content = image.to_vec();
    fill_page(&mut content);
    let memory_bytes = content.len() as u64;
    segments.push(Segment { flags: PF_R, address: IMAGE_ADDRESS, content, memory_bytes });
    Ok(segments)
}

/// Where what only unwinding needs begins, if nothing else follows it in its segment.
fn unwinding_start(file: &File<'_>) -> Option<u64> {
    let start = elf::section(file, UNWINDING[0])?.memory.start;
    let segments = elf::loaded_segments(file);
    let segment = segments.iter().find(|segment| segment.memory.contains(&start))?;
    let strings = file.elf_section_table();
    let is_needed = |section: &SectionHeader64<LE>| {
        let name = strings.section_name(LE, section).unwrap_or_default();
        let address = section.sh_addr.get(LE);
        address >= start
            && segment.memory.contains(&address)
            && section.sh_size.get(LE) > 0
            && !UNWINDING.iter().any(|known| known.as_bytes() == name)
    };
    (!strings.iter().any(is_needed)).then_some(start)
}

fn fill_page(content: &mut Vec<u8>) {
    content.resize(content.len().next_multiple_of(PAGE_BYTES as usize), 0);
}

/// The program headers: of the first page, of all segments, and of what of the launcher's is not
/// loaded by itself.
fn headers(file: &File<'_>, segments: &[Segment]) -> Vec<ProgramHeader64<LE>> {
    let mut headers = vec![header(PT_LOAD, PF_R | PF_X, 0, ADDRESS, PAGE_BYTES, PAGE_BYTES)];
    let mut offset = PAGE_BYTES;
    for segment in segments {
        let bytes = segment.content.len() as u64;
        headers.push(header(
            PT_LOAD,
            segment.flags,
            offset,
            segment.address,
            bytes,
            segment.memory_bytes,
        ));
        offset += bytes;
    }
    let loaded = headers.clone();
    for program in file.elf_program_headers() {
        if ![PT_TLS, PT_GNU_STACK, PT_GNU_RELRO].contains(&program.p_type(LE)) {
            continue;
        }
        let mut program = *program;
        let address = program.p_vaddr.get(LE);
        let holds = |load: &&ProgramHeader64<LE>| {
            let start = load.p_vaddr.get(LE);
            (start..start + load.p_memsz.get(LE)).contains(&address)
        };
        if let Some(load) = loaded.iter().find(holds) {
            let offset = load.p_offset.get(LE) + (address - load.p_vaddr.get(LE));
            program.p_offset = U64::new(LE, offset);
        }
        headers.push(program);
    }
    headers
}

fn header(
    kind: ProgramType,
    flags: ProgramFlags,
    offset: u64,
    address: u64,
    file_bytes: u64,
    memory_bytes: u64,
) -> ProgramHeader64<LE> {
    ProgramHeader64 {
        p_type: U32::new(LE, kind),
        p_flags: U32::new(LE, flags),
        p_offset: U64::new(LE, offset),
        p_vaddr: U64::new(LE, address),
        p_paddr: U64::new(LE, address),
        p_filesz: U64::new(LE, file_bytes),
        p_memsz: U64::new(LE, memory_bytes),
        p_align: U64::new(LE, PAGE_BYTES),
    }
}

/// The guard's code, behind its mark.
fn guard<'a>(file: &File<'_>, launcher: &'a [u8]) -> Result<&'a [u8], ComposeError> {
    let section = elf::section(file, GUARD_SECTION).ok_or(ComposeError::NoGuard)?;
    let range = section.file.ok_or(ComposeError::NoGuard)?;
    let code = launcher.get(range.start as usize..range.end as usize);
    code.filter(|code| code.starts_with(&GUARD_MARK)).ok_or(ComposeError::NoGuard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::elf::{
        self, EM_X86_64, ET_EXEC, Ident, SHT_NULL, SHT_PROGBITS, SHT_STRTAB, SectionType,
    };

    const NAMES: &[u8] = b"\0.ampoule.guard\0.shstrtab\0";
    const SECTIONS_AT: usize = 0x2800;

    fn section(name: u32, kind: SectionType, offset: u64, bytes: usize) -> SectionHeader64<LE> {
        SectionHeader64 {
            sh_name: U32::new(LE, name),
            sh_type: U32::new(LE, kind),
            sh_flags: Default::default(),
            sh_addr: U64::default(),
            sh_offset: U64::new(LE, offset),
            sh_size: U64::new(LE, bytes as u64),
            sh_link: Default::default(),
            sh_info: Default::default(),
            sh_addralign: U64::new(LE, 1),
            sh_entsize: U64::default(),
        }
    }

    /// A launcher with a segment of code, in which the guard is, and one of data with a thread's.
    fn launcher(data: u64, mark: &[u8; 8]) -> Vec<u8> {
        let programs = [
            header(PT_LOAD, PF_R | PF_X, 0x1000, 0x40_1000, 0x100, 0x100),
            header(PT_LOAD, PF_R | PF_W, 0x2010, data, 0x20, 0x5000),
            header(PT_TLS, PF_R, 0x2018, data + 8, 0x10, 0x18),
        ];
        let sections = [
            section(0, SHT_NULL, 0, 0),
            section(1, SHT_PROGBITS, 0x1080, 16),
            section(16, SHT_STRTAB, 0x2700, NAMES.len()),
        ];
        let file = FileHeader64::<LE> {
            e_ident: Ident {
                magic: elf::ELFMAG,
                class: elf::ELFCLASS64,
                data: elf::ELFDATA2LSB,
                version: elf::EV_CURRENT,
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(LE, ET_EXEC),
            e_machine: U16::new(LE, EM_X86_64),
            e_version: U32::new(LE, 1),
            e_entry: U64::new(LE, 0x40_1004),
            e_phoff: U64::new(LE, FILE_HEADER_BYTES as u64),
            e_shoff: U64::new(LE, SECTIONS_AT as u64),
            e_flags: Default::default(),
            e_ehsize: U16::new(LE, FILE_HEADER_BYTES as u16),
            e_phentsize: U16::new(LE, size_of::<ProgramHeader64<LE>>() as u16),
            e_phnum: U16::new(LE, programs.len() as u16),
            e_shentsize: U16::new(LE, size_of::<SectionHeader64<LE>>() as u16),
            e_shnum: U16::new(LE, sections.len() as u16),
            e_shstrndx: U16::new(LE, SymbolSection(2)),
        };
        let mut bytes = vec![0; 0x3000];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, bytes_of(&file));
        put(FILE_HEADER_BYTES, bytes_of_slice(&programs));
        put(0x1000, &[0x90; 0x100]);
        put(0x1080, mark);
        put(0x2010, &[0xdd; 0x20]);
        put(0x2700, NAMES);
        put(SECTIONS_AT, bytes_of_slice(&sections));
        bytes
    }

    #[test]
    fn each_byte_is_loaded_and_sealed() {
        let image = [0x1d; 5000];
        let bundle = compose(&launcher(0x60_2010, &GUARD_MARK), &image).expect("a bundle");
        assert!(seal::compare(&bundle).expect("a seal").agree());
        let file = crate::image::elf::parse(&bundle).expect("a sound file");
        let segments = crate::image::elf::loaded_segments(&file);
        let mut end = 0;
        for segment in &segments {
            assert_eq!(segment.file.start, end, "{segment:?}");
            end = segment.file.end;
            assert!(segment.memory.start.is_multiple_of(PAGE_BYTES), "{segment:?}");
            assert!(segment.memory.end - segment.memory.start >= end - segment.file.start);
        }
        assert_eq!(end, bundle.len() as u64);
        // What the launcher wants zeroed behind its data is.
        assert_eq!(segments[2].memory, 0x60_2000..0x60_2010 + 0x5000);
        assert_eq!(bundle[segments[2].file.start as usize..][0x10..0x30], [0xdd; 0x20]);
        assert_eq!(bundle[segments[3].file.start as usize..][..image.len()], image);
        let page = bundle.first_chunk().expect("a page");
        let places = Places { entry: 0x40_1004, image: IMAGE_ADDRESS, image_bytes: 5000 };
        assert_eq!(Places::read(page), Some(places));
        let entry = file.elf_header().e_entry.get(LE);
        assert!((ADDRESS..ADDRESS + PAGE_BYTES).contains(&entry));
        assert_eq!(page[(entry - ADDRESS) as usize - 8..][..8], GUARD_MARK);
        let threads = file.elf_program_headers().iter().find(|it| it.p_type(LE) == PT_TLS);
        let threads = threads.expect("the thread's data").p_offset.get(LE) as usize;
        assert_eq!(bundle[threads..][..0x10], [0xdd; 0x10]);
    }

    #[test]
    fn what_is_no_launcher_is_refused() {
        let error = compose(&launcher(0x60_2010, b"12345678"), &[]).expect_err("no guard");
        assert!(matches!(error, ComposeError::NoGuard), "{error}");
        let error = compose(&launcher(0x40_1010, &GUARD_MARK), &[]).expect_err("one page");
        assert!(matches!(error, ComposeError::Overlap(0x40_1010)), "{error}");
        let error = compose(b"#!/bin/sh", &[]).expect_err("a script");
        assert!(matches!(error, ComposeError::NotElf(_)), "{error}");
    }
}
