//! Images and their notes, against the contract's rules as they are read here once more, in plain
//! arithmetic on the file's bytes (SPEC C7).

use std::io::Cursor;

use ampoule_abi::layout::{IMAGE_BASE, PAGE_BYTES};
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note::{self, MachineNote};
use object::read::ReadCache;
use prost::Message;

use super::sample::{NOTES, Sample};
use super::{Facts, check};
use crate::fuzz::Choices;
use crate::units::check_memory;

const PROGRAM_HEADER_BYTES: usize = 56;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const NOTE: u32 = 4;

/// Any bytes as an image.
pub fn image(bytes: &[u8]) {
    let checked = check(bytes);
    assert_eq!(check(&ReadCache::new(Cursor::new(bytes))), checked, "in memory and from a file");
    match checked {
        Ok(facts) => assert_keeps_contract(bytes, &facts),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Any bytes as the notes of an image that is good otherwise.
pub fn notes(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let alignment = match choices.byte() {
        0 => 4,
        other => other.into(),
    };
    let notes = choices.rest();
    if let Some(machine) = MachineNote::read(notes) {
        assert_eq!(words_of(machine).map(u64::to_le_bytes).concat(), notes);
    }
    let mut image = Sample::default().build();
    let header = 64 + NOTES * PROGRAM_HEADER_BYTES;
    let place = (image.len() as u64).next_multiple_of(8);
    image.resize(place as usize, 0);
    image.extend_from_slice(notes);
    for (at, value) in [(8, place), (32, notes.len() as u64), (48, alignment)] {
        image[header + at..][..8].copy_from_slice(&value.to_le_bytes());
    }
    self::image(&image);
}

fn words_of(MachineNote { asks_processor, size, receive, transmit }: MachineNote) -> [u64; 8] {
    let (flags, size) = (asks_processor.into(), size.into());
    let [a, b, c] = [receive.descriptors, receive.driver, receive.device];
    let [d, e, f] = [transmit.descriptors, transmit.driver, transmit.device];
    [flags, size, a, b, c, d, e, f]
}

/// Reads numbers out of a file.
#[derive(Clone, Copy)]
struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn number<const N: usize>(self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.0[at as usize..][..N]);
        u64::from_le_bytes(bytes)
    }

    fn short(self, at: u64) -> u64 {
        self.number::<2>(at)
    }

    fn word(self, at: u64) -> u32 {
        self.number::<4>(at) as u32
    }

    fn long(self, at: u64) -> u64 {
        self.number::<8>(at)
    }

    /// Offsets of the program headers.
    fn programs(self) -> Vec<u64> {
        let (start, sections) = (self.long(32), self.long(40));
        let count = match self.short(56) {
            // PN_XNUM: the number is the `sh_info` of the first section.
            0xffff => self.word(sections + 44).into(),
            count => count,
        };
        (0..count).map(|index| start + index * PROGRAM_HEADER_BYTES as u64).collect()
    }

    /// The only note of that owner and type in any note segment whose notes are aligned to 4.
    fn note(self, programs: &[u64], owner: &str, kind: u32) -> Option<&'a [u8]> {
        let segments = programs.iter().filter(|&&at| self.word(at) == NOTE);
        let owner = [owner.as_bytes(), b"\0"].concat();
        let all = segments.flat_map(|&at| {
            // What is not 8 counts as 4 to those who read notes (`object`, `readelf`).
            let alignment = if self.long(at + 48) == 8 { 8 } else { 4 };
            // A segment of no bytes holds no note, wherever it claims to be.
            let (start, length) = (self.long(at + 8) as usize, self.long(at + 32) as usize);
            let bytes = if length == 0 { &[] } else { &self.0[start..start + length] };
            notes_in(bytes, alignment)
        });
        let wanted = |name: &[u8]| name == owner || name == &owner[..owner.len() - 1];
        let mut all = all.filter(|&(name, of_kind, _)| wanted(name) && of_kind == kind);
        let only = all.next().map(|(.., content)| content);
        assert!(all.next().is_none(), "two notes of type {kind}");
        only
    }
}

/// Name, type and descriptor of each note.
fn notes_in(mut bytes: &[u8], alignment: usize) -> Vec<(&[u8], u32, &[u8])> {
    let mut notes = Vec::new();
    while bytes.len() >= 12 {
        let file = File(bytes);
        let (name, content, kind) = (file.word(0) as usize, file.word(4) as usize, file.word(8));
        let start = (12 + name).next_multiple_of(alignment);
        if start + content > bytes.len() {
            break;
        }
        notes.push((&bytes[12..12 + name], kind, &bytes[start..start + content]));
        bytes = bytes.get((start + content).next_multiple_of(alignment)..).unwrap_or_default();
    }
    notes
}

fn assert_keeps_contract(bytes: &[u8], facts: &Facts) {
    let file = File(bytes);
    assert_eq!(&bytes[..6], b"\x7fELF\x02\x01");
    assert_eq!((file.short(16), file.short(18), file.word(48)), (2, 62, 0));
    let programs = file.programs();
    assert!(programs.iter().all(|&at| ![DYNAMIC, INTERPRETER].contains(&file.word(at))));
    assert_segments(file, &programs, facts);
    assert_note(&facts.note);
    let is_code = |address| {
        let mut code = facts.segments.iter().filter(|segment| segment.executable);
        code.any(|segment| {
            segment.address <= address && address - segment.address < segment.memory_bytes
        })
    };
    assert!(is_code(facts.pvh_entry) && is_code(file.long(24)));
    let note = |owner, kind| file.note(&programs, owner, kind);
    let ours = note(note::OWNER, note::TYPE).expect("the function's note");
    assert_eq!(ImageNote::decode(ours).as_ref(), Ok(&facts.note));
    let entry = note(note::PVH_OWNER, note::PVH_TYPE).expect("the note for PVH boot");
    assert!(facts.pvh_entry.to_le_bytes().starts_with(entry));
    let machine = note(note::OWNER, note::MACHINE_TYPE).map(|words| {
        let (words, rest) = words.as_chunks::<8>();
        assert!(rest.is_empty());
        words.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>()
    });
    assert_eq!(facts.machine.map(|machine| words_of(machine).to_vec()), machine);
    if let Some(words) = machine {
        assert_machine(&words, facts);
    }
}

/// All that is loaded is in the facts, inside of memory, apart by whole pages, never writable code.
fn assert_segments(file: File<'_>, programs: &[u64], facts: &Facts) {
    let loaded = programs.iter().filter(|&&at| file.word(at) == LOAD && file.long(at + 40) > 0);
    let mut ranges: Vec<_> = loaded
        .map(|&at| {
            let flags = file.word(at + 4);
            let [offset, address, load_address, in_file, in_memory] =
                [8, 16, 24, 32, 40].map(|field| file.long(at + field));
            assert_eq!(address, load_address);
            assert!(address.is_multiple_of(PAGE_BYTES) && address >= IMAGE_BASE);
            assert!(flags & 3 != 3, "writable and executable");
            assert!(in_file <= in_memory && in_memory <= facts.note.memory_bytes);
            assert!(address <= facts.note.memory_bytes - in_memory);
            assert!(offset as usize + in_file as usize <= file.0.len());
            (address, in_memory, offset as usize, in_file as usize, flags & 2 != 0, flags & 1 != 0)
        })
        .collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        assert!((pair[0].0 + pair[0].1).next_multiple_of(PAGE_BYTES) <= pair[1].0);
    }
    let facts = facts.segments.iter().map(|segment| {
        let (start, length) = (segment.file.start, segment.file.len());
        let (writable, executable) = (segment.writable, segment.executable);
        (segment.address, segment.memory_bytes, start, length, writable, executable)
    });
    assert_eq!(facts.collect::<Vec<_>>(), ranges);
}

fn assert_note(note: &ImageNote) {
    assert_eq!(note.abi_version, 1);
    assert!(!note.name.is_empty() && !note.version.is_empty() && note.stack_bytes > 0);
    for text in [&note.name, &note.version] {
        assert!(text.len() < 256 && text.chars().all(|c| !c.is_control() && !c.is_whitespace()));
    }
    assert_eq!(check_memory(note.memory_bytes), Ok(note.memory_bytes));
    assert!(note.capabilities.is_empty());
    let encoded = note.encode_to_vec();
    assert_eq!(ImageNote::decode(&encoded[..]).as_ref(), Ok(note));
}

fn assert_machine(words: &[u64], facts: &Facts) {
    let size = words[1];
    assert!(words[0] < 2 && size.is_power_of_two() && size <= 256);
    for queue in words[2..].chunks(3) {
        let lengths = [16 * size, 6 + 2 * size, 6 + 8 * size];
        for ((&address, bytes), alignment) in queue.iter().zip(lengths).zip([16, 2, 4]) {
            assert!(address.is_multiple_of(alignment));
            let is_zeroed = facts.segments.iter().any(|segment| {
                segment.writable
                    && segment.address + segment.file.len() as u64 <= address
                    && address + bytes <= segment.address + segment.memory_bytes
            });
            assert!(is_zeroed, "{address:#x} is not zeroed memory");
        }
    }
}
