//! An image's file, whose parts are found, changed and cut off.

use ampoule_abi::note::{self, EntryNote, MachineNote};

/// From the beginning of a note to its content.
pub const NOTE_HEADER_BYTES: usize = 12 + note::OWNER.len() + 1;

/// Where the program header table begins, as a field of the file's header (ELF-64, figure 3).
pub const PROGRAMS: usize = 32;
/// Where the section header table begins.
pub const SECTIONS: usize = 40;
/// Number of program headers, in 16 bits.
pub const PROGRAM_COUNT: usize = 56;
/// Number of section headers, likewise.
pub const SECTION_COUNT: usize = 60;

/// Fields of a program header (ELF-64, figure 6).
pub const TYPE: usize = 0;
pub const FLAGS: usize = 4;
pub const OFFSET: usize = 8;
pub const VIRTUAL: usize = 16;
pub const PHYSICAL: usize = 24;
pub const FILE_BYTES: usize = 32;
pub const MEMORY_BYTES: usize = 40;

/// Length of a program header.
pub const PROGRAM_BYTES: usize = 56;
/// Length of a section's.
const SECTION_BYTES: usize = 64;

/// Types of segments.
pub const LOAD: u8 = 1;
pub const DYNAMIC: u8 = 2;
pub const INTERPRETER: u8 = 3;
pub const NOTE: u8 = 4;

/// What a file holds.
#[derive(Clone)]
pub struct File(pub Vec<u8>);

impl File {
    /// A number of 64 bits.
    pub fn number(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().expect("eight bytes"))
    }

    /// The same file with other bytes at a place.
    pub fn with(&self, at: usize, bytes: &[u8]) -> Self {
        let mut file = self.clone();
        file.0[at..at + bytes.len()].copy_from_slice(bytes);
        file
    }

    /// The same file with another number of 64 bits.
    pub fn with_number(&self, at: usize, value: u64) -> Self {
        self.with(at, &value.to_le_bytes())
    }

    /// The same file with every bit of some bytes inverted.
    pub fn inverted(&self, at: usize, bytes: usize) -> Self {
        let inverted: Vec<_> = self.0[at..at + bytes].iter().map(|byte| !byte).collect();
        self.with(at, &inverted)
    }

    /// The same file with a segment elsewhere in memory.
    pub fn moved(&self, program: usize, address: u64) -> Self {
        self.with_number(program + VIRTUAL, address).with_number(program + PHYSICAL, address)
    }

    /// The places of all program headers.
    pub fn all_programs(&self) -> Vec<usize> {
        let count = u16::from_le_bytes([self.0[PROGRAM_COUNT], self.0[PROGRAM_COUNT + 1]]);
        let first = self.number(PROGRAMS) as usize;
        (0..count.into()).map(|index: usize| first + PROGRAM_BYTES * index).collect()
    }

    /// The places of the program headers of a type.
    pub fn programs(&self, kind: u8) -> Vec<usize> {
        self.all_programs().into_iter().filter(|&at| self.0[at + TYPE] == kind).collect()
    }

    /// The same file with further program headers, the table at its end.
    pub fn with_programs(&self, more: &[u8]) -> Self {
        let programs = self.all_programs();
        let count = (programs.len() + more.len() / PROGRAM_BYTES) as u16;
        let mut file = self.clone();
        file.0.resize(file.0.len().next_multiple_of(8), 0);
        let at = file.0.len() as u64;
        for program in programs {
            file.0.extend(self.program(program));
        }
        file.0.extend(more);
        file.with_number(PROGRAMS, at).with(PROGRAM_COUNT, &count.to_le_bytes())
    }

    /// A program header.
    pub fn program(&self, at: usize) -> &[u8] {
        &self.0[at..at + PROGRAM_BYTES]
    }

    /// The place of the header of the first segment with these permissions and content of its own.
    pub fn segment(&self, flags: u8) -> usize {
        let loads = self.programs(LOAD).into_iter();
        let mut found =
            loads.filter(|&at| self.0[at + FLAGS] == flags && self.number(at + FILE_BYTES) > 0);
        found.next().expect("a segment of that kind")
    }

    /// The place of a section's header.
    pub fn section(&self, index: usize) -> usize {
        self.number(SECTIONS) as usize + SECTION_BYTES * index
    }

    /// The first place of these bytes.
    pub fn place(&self, words: &[u8]) -> usize {
        let place = self.0.windows(words.len()).position(|window| window == words);
        place.expect("it is in the image")
    }
}

/// Where the machine note of an image begins, with the lengths of its owner and its content.
pub fn machine_note_at(image: &[u8]) -> usize {
    note_at(image, note::MACHINE_TYPE, MachineNote::BYTES)
}

/// The same of its entry note.
pub fn entry_note_at(image: &[u8]) -> usize {
    note_at(image, note::ENTRY_TYPE, EntryNote::BYTES)
}

fn note_at(image: &[u8], kind: u32, bytes: usize) -> usize {
    let owner = [note::OWNER.as_bytes(), b"\0"].concat();
    let words = [owner.len() as u32, bytes as u32, kind];
    let header = [&words.map(u32::to_le_bytes).concat()[..], &owner].concat();
    let places: Vec<_> = (0..image.len()).filter(|&at| image[at..].starts_with(&header)).collect();
    let &[place] = &places[..] else { panic!("the note is there once: {places:?}") };
    place
}
