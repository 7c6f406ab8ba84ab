//! A small image made for tests: one segment of code, one of data, both notes.

use ampoule_abi::messages::ImageNote;
use ampoule_abi::{ABI_VERSION, note};
use object::elf::{self, FileHeader64, Ident, ProgramHeader64, SectionHeader64};
use object::pod::bytes_of;
use object::{LittleEndian, U16, U32, U64};
use prost::Message;

/// Index of the code's program header.
pub(crate) const CODE: usize = 0;
/// Index of the data's program header.
#[cfg(test)]
pub(crate) const DATA: usize = 1;
/// Index of the notes' program header.
pub(crate) const NOTES: usize = 2;

/// Where contents begin in the file, in bytes.
const CONTENTS: u64 = 0x400;

/// An image to be changed, then built.
pub(crate) struct Sample {
    pub(crate) kind: elf::FileType,
    pub(crate) machine: elf::Machine,
    pub(crate) entry: u64,
    pub(crate) pvh_entry: Option<u32>,
    pub(crate) note: Option<ImageNote>,
    /// The numbers of the machine note.
    pub(crate) machine_note: Option<[u64; 8]>,
    /// The numbers of the entry note.
    pub(crate) entry_note: Option<[u64; 19]>,
    /// Owner and type of further notes.
    pub(crate) more_notes: Vec<(&'static str, u32)>,
    pub(crate) programs: Vec<ProgramHeader64<LittleEndian>>,
    pub(crate) relocations: bool,
    /// Contents of the code segment.
    pub(crate) code: Vec<u8>,
}

impl Default for Sample {
    fn default() -> Self {
        let note = ImageNote {
            abi_version: ABI_VERSION,
            name: "sample".to_owned(),
            version: "1.2.3".to_owned(),
            memory_bytes: 16 << 20,
            stack_bytes: 64 << 10,
            ..ImageNote::default()
        };
        let code = program(elf::PT_LOAD, elf::PF_R | elf::PF_X, 0x10_1000, 64);
        let mut data = program(elf::PT_LOAD, elf::PF_R | elf::PF_W, 0x10_3000, 64);
        data.p_memsz = U64::new(LittleEndian, 0x1000);
        let notes = program(elf::PT_NOTE, elf::PF_R, 0, 0);
        Self {
            kind: elf::ET_EXEC,
            machine: elf::EM_X86_64,
            entry: 0x10_1000,
            pvh_entry: Some(0x10_1000),
            note: Some(note),
            machine_note: None,
            entry_note: None,
            more_notes: Vec::new(),
            programs: vec![code, data, notes],
            relocations: false,
            code: vec![0xf4; 64],
        }
    }
}

impl Sample {
    /// Adds an empty segment of another type.
    #[cfg(test)]
    pub(crate) fn add(&mut self, kind: elf::ProgramType) {
        self.programs.push(program(kind, elf::PF_R, 0, 0));
    }

    /// The file.
    pub(crate) fn build(mut self) -> Vec<u8> {
        let notes = self.notes();
        let code_bytes = self.code.len() as u64;
        self.programs[CODE].p_filesz = U64::new(LittleEndian, code_bytes);
        self.programs[CODE].p_memsz = U64::new(LittleEndian, code_bytes);
        let notes_at = CONTENTS + code_bytes;
        self.programs[NOTES].p_offset = U64::new(LittleEndian, notes_at);
        self.programs[NOTES].p_filesz = U64::new(LittleEndian, notes.len() as u64);
        let sections_at = notes_at + notes.len() as u64;
        let mut bytes = bytes_of(&self.header(sections_at)).to_vec();
        for program in &self.programs {
            bytes.extend_from_slice(bytes_of(program));
        }
        assert!(bytes.len() <= CONTENTS as usize);
        bytes.resize(CONTENTS as usize, 0);
        bytes.extend_from_slice(&self.code);
        bytes.extend_from_slice(&notes);
        if self.relocations {
            bytes.extend_from_slice(bytes_of(&section(elf::SHT_NULL, 0)));
            bytes.extend_from_slice(bytes_of(&section(elf::SHT_RELA, 24)));
            bytes.extend_from_slice(bytes_of(&section(elf::SHT_STRTAB, 0)));
        }
        bytes
    }

    fn notes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(entry) = self.pvh_entry {
            put_note(&mut bytes, note::PVH_OWNER, note::PVH_TYPE, &entry.to_le_bytes());
        }
        if let Some(message) = &self.note {
            put_note(&mut bytes, note::OWNER, note::TYPE, &message.encode_to_vec());
        }
        if let Some(numbers) = self.machine_note {
            let numbers = numbers.map(u64::to_le_bytes).concat();
            put_note(&mut bytes, note::OWNER, note::MACHINE_TYPE, &numbers);
        }
        if let Some(numbers) = self.entry_note {
            let numbers = numbers.map(u64::to_le_bytes).concat();
            put_note(&mut bytes, note::OWNER, note::ENTRY_TYPE, &numbers);
        }
        for (owner, kind) in &self.more_notes {
            put_note(&mut bytes, owner, *kind, &[0; 8]);
        }
        bytes
    }

    fn header(&self, sections_at: u64) -> FileHeader64<LittleEndian> {
        let endian = LittleEndian;
        let sections = if self.relocations { 3 } else { 0 };
        FileHeader64 {
            e_ident: Ident {
                magic: elf::ELFMAG,
                class: elf::ELFCLASS64,
                data: elf::ELFDATA2LSB,
                version: elf::EV_CURRENT,
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(endian, self.kind),
            e_machine: U16::new(endian, self.machine),
            e_version: U32::new(endian, elf::EV_CURRENT.0.into()),
            e_entry: U64::new(endian, self.entry),
            e_phoff: U64::new(endian, 64),
            e_shoff: U64::new(endian, if sections == 0 { 0 } else { sections_at }),
            e_flags: U32::new(endian, elf::FileFlags(0)),
            e_ehsize: U16::new(endian, 64),
            e_phentsize: U16::new(endian, 56),
            e_phnum: U16::new(endian, self.programs.len() as u16),
            e_shentsize: U16::new(endian, 64),
            e_shnum: U16::new(endian, sections),
            e_shstrndx: U16::new(endian, elf::SymbolSection(sections.saturating_sub(1))),
        }
    }
}

fn program(
    kind: elf::ProgramType,
    flags: elf::ProgramFlags,
    address: u64,
    file_bytes: u64,
) -> ProgramHeader64<LittleEndian> {
    let word = |value| U64::new(LittleEndian, value);
    ProgramHeader64 {
        p_type: U32::new(LittleEndian, kind),
        p_flags: U32::new(LittleEndian, flags),
        p_offset: word(CONTENTS),
        p_vaddr: word(address),
        p_paddr: word(address),
        p_filesz: word(file_bytes),
        p_memsz: word(file_bytes),
        p_align: word(4),
    }
}

fn section(kind: elf::SectionType, size: u64) -> SectionHeader64<LittleEndian> {
    let word = |value| U64::new(LittleEndian, value);
    SectionHeader64 {
        sh_name: U32::new(LittleEndian, 0),
        sh_type: U32::new(LittleEndian, kind),
        sh_flags: U64::new(LittleEndian, elf::SectionFlags(0)),
        sh_addr: word(0),
        sh_offset: word(0),
        sh_size: word(size),
        sh_link: U32::new(LittleEndian, 0),
        sh_info: U32::new(LittleEndian, 0),
        sh_addralign: word(8),
        sh_entsize: word(24),
    }
}

fn put_note(bytes: &mut Vec<u8>, owner: &str, kind: u32, descriptor: &[u8]) {
    for number in [owner.len() as u32 + 1, descriptor.len() as u32, kind] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(owner.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(descriptor);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
