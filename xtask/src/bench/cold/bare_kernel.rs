//! The least that QEMU can boot: a kernel of two instructions that ends the machine.
//!
//! What it takes is QEMU's own and the floor of any call under QEMU.

use ampoule_abi::note::{PVH_OWNER, PVH_TYPE};
use object::elf;
use object::endian::{LittleEndian, U16, U32, U64};
use object::pod::bytes_of;

const LOAD_ADDRESS: u64 = 0x10_0000;
const FILE_HEADER_BYTES: u64 = size_of::<elf::FileHeader64<LittleEndian>>() as u64;
const PROGRAM_HEADER_BYTES: u64 = size_of::<elf::ProgramHeader64<LittleEndian>>() as u64;
const NOTE_OFFSET: u64 = FILE_HEADER_BYTES + 2 * PROGRAM_HEADER_BYTES;
const NOTE_BYTES: u64 = 24;
const CODE_OFFSET: u64 = NOTE_OFFSET + NOTE_BYTES;

/// `lidt no_idt; ud2`: a triple fault, which QEMU answers with a shutdown. (A write to its
/// `isa-debug-exit` ends it from within the processor's thread, and now and then hangs.)
#[rustfmt::skip]
const CODE: [u8; 15] = [
    0x0f, 0x01, 0x1d, NO_IDT as u8, (NO_IDT >> 8) as u8, (NO_IDT >> 16) as u8, 0, // lidt no_idt
    0x0f, 0x0b,                                                                   // ud2
    0, 0, 0, 0, 0, 0,                                                             // no_idt
];
const NO_IDT: u64 = LOAD_ADDRESS + CODE_OFFSET + 9;

/// The kernel, an ELF file with the note for PVH boot.
pub fn elf() -> Vec<u8> {
    let bytes = CODE_OFFSET + CODE.len() as u64;
    let mut file = Vec::new();
    file.extend(bytes_of(&file_header()));
    file.extend(bytes_of(&program_header(elf::PT_LOAD, 0, bytes, elf::PF_R | elf::PF_X)));
    file.extend(bytes_of(&program_header(elf::PT_NOTE, NOTE_OFFSET, NOTE_BYTES, elf::PF_R)));
    for word in [PVH_OWNER.len() as u32 + 1, 8, PVH_TYPE] {
        file.extend(word.to_le_bytes());
    }
    file.extend(PVH_OWNER.as_bytes());
    file.push(0);
    file.extend((LOAD_ADDRESS + CODE_OFFSET).to_le_bytes());
    file.extend(CODE);
    file
}

fn file_header() -> elf::FileHeader64<LittleEndian> {
    let endian = LittleEndian;
    elf::FileHeader64 {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(endian, elf::ET_EXEC),
        e_machine: U16::new(endian, elf::EM_X86_64),
        e_version: U32::new(endian, 1),
        e_entry: U64::new(endian, LOAD_ADDRESS + CODE_OFFSET),
        e_phoff: U64::new(endian, FILE_HEADER_BYTES),
        e_shoff: U64::new(endian, 0),
        e_flags: U32::new(endian, elf::FileFlags(0)),
        e_ehsize: U16::new(endian, FILE_HEADER_BYTES as u16),
        e_phentsize: U16::new(endian, PROGRAM_HEADER_BYTES as u16),
        e_phnum: U16::new(endian, 2),
        e_shentsize: U16::new(endian, 0),
        e_shnum: U16::new(endian, 0),
        e_shstrndx: U16::new(endian, elf::SHN_UNDEF),
    }
}

fn program_header(
    kind: elf::ProgramType,
    offset: u64,
    bytes: u64,
    flags: elf::ProgramFlags,
) -> elf::ProgramHeader64<LittleEndian> {
    let endian = LittleEndian;
    elf::ProgramHeader64 {
        p_type: U32::new(endian, kind),
        p_flags: U32::new(endian, flags),
        p_offset: U64::new(endian, offset),
        p_vaddr: U64::new(endian, LOAD_ADDRESS + offset),
        p_paddr: U64::new(endian, LOAD_ADDRESS + offset),
        p_filesz: U64::new(endian, bytes),
        p_memsz: U64::new(endian, bytes),
        p_align: U64::new(endian, 4),
    }
}
