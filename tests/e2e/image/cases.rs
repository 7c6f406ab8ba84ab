//! Image files of which something is wrong, made from one that is good: each of a kind that is to
//! be refused, and what the message is about.

use std::fs;

use super::file::{
    DYNAMIC, FILE_BYTES, FLAGS, File, INTERPRETER, LOAD, MEMORY_BYTES, NOTE, NOTE_HEADER_BYTES,
    OFFSET, PHYSICAL, PROGRAM_BYTES, PROGRAM_COUNT, PROGRAMS, SECTION_COUNT, TYPE, VIRTUAL,
    entry_note_at, machine_note_at,
};

/// Files of one kind.
pub struct Case {
    /// What is wrong with them.
    pub what: String,
    /// Words of which one is in the message of each; all are in some message. [`GOOD`] for what
    /// cannot be told from a good image.
    pub about: Vec<&'static str>,
    /// Makes them of a good one.
    pub files: Box<dyn Fn(&File) -> Files>,
}

/// The files of a case, made one after the other.
pub type Files = Box<dyn Iterator<Item = File>>;

/// An image of which nothing is known to be wrong.
pub const GOOD: &str = "runs";

/// One kind of files, made at once.
fn case<const N: usize>(
    what: &str,
    about: [&'static str; N],
    files: impl Fn(&File) -> Vec<File> + 'static,
) -> Case {
    let files = Box::new(move |good: &File| Box::new(files(good).into_iter()) as Files);
    Case { what: what.to_owned(), about: about.to_vec(), files }
}

/// What is no image at all.
pub fn no_image() -> Vec<Case> {
    vec![
        case("Nothing.", ["not an ELF file"], |_| vec![File(Vec::new())]),
        case("A shell script.", ["not an ELF file"], |_| vec![File(b"#!/bin/sh\n".to_vec())]),
        case("A program of the host's.", ["no Ampoule note"], |_| {
            vec![File(fs::read("/proc/self/exe").expect("this program"))]
        }),
        case("An image of more than 256 MiB.", ["larger than 256MiB"], |good| {
            let mut file = good.clone();
            file.0.resize((256 << 20) + 1, 0);
            vec![file]
        }),
    ]
}

/// What has lost its end.
pub fn cut_short() -> Vec<Case> {
    let files = |good: &File| {
        let good = good.clone();
        let lengths = 0..good.0.len();
        Box::new(lengths.map(move |length| File(good.0[..length].to_vec()))) as Files
    };
    vec![Case {
        what: "Cut short, at every byte.".to_owned(),
        about: vec!["not an ELF file", "damaged"],
        files: Box::new(files),
    }]
}

/// A field, where it is, its length, and what the message is about if it is wrong.
type Field = (&'static str, usize, usize, &'static [&'static str]);

/// Those of the file's header (ELF-64, figure 3).
#[rustfmt::skip]
const HEADER: [Field; 20] = [
    ("magic number", 0, 4, &["not an ELF file"]),
    ("class", 4, 1, &["damaged"]),
    ("byte order", 5, 1, &["damaged"]),
    ("`EI_VERSION`", 6, 1, &["damaged"]),
    ("operating system's ABI", 7, 1, &[GOOD]),
    ("ABI's version", 8, 1, &[GOOD]),
    ("padding", 9, 7, &[GOOD]),
    ("`e_type`", 16, 2, &["an ELF file of type"]),
    ("`e_machine`", 18, 2, &["an ELF file of machine"]),
    ("`e_version`", 20, 4, &[GOOD]),
    ("`e_entry`", 24, 8, &["the ELF entry point"]),
    ("`e_phoff`", 32, 8, &["damaged"]),
    ("`e_shoff`", 40, 8, &["damaged"]),
    ("`e_flags`", 48, 4, &["damaged"]),
    ("`e_ehsize`", 52, 2, &[GOOD]),
    ("`e_phentsize`", 54, 2, &["damaged"]),
    ("`e_phnum`", 56, 2, &["damaged"]),
    ("`e_shentsize`", 58, 2, &["damaged"]),
    ("`e_shnum`", 60, 2, &["damaged"]),
    ("`e_shstrndx`", 62, 2, &["damaged"]),
];

/// Those of a program header (ELF-64, figure 6).
#[rustfmt::skip]
const PROGRAM: [Field; 8] = [
    ("`p_type`", 0, 4, &["queue", "PVH entry point", "entry note", "no Ampoule note", GOOD]),
    ("`p_flags`", 4, 4, &["queue", "PVH entry point", "writable and executable", "entry note", GOOD]),
    ("`p_offset`", 8, 8, &["damaged"]),
    ("`p_vaddr`", 16, 8, &["would be loaded", GOOD]),
    ("`p_paddr`", 24, 8, &["would be loaded", GOOD]),
    ("`p_filesz`", 32, 8, &["damaged"]),
    ("`p_memsz`", 40, 8, &["damaged", GOOD]),
    ("`p_align`", 48, 8, &["damaged", GOOD]),
];

const MANY_PROGRAMS: &str = "more than 64 program headers";

/// What says of itself that it is something else, or has a header that makes no sense.
pub fn headers() -> Vec<Case> {
    let inverted = HEADER.map(|(name, at, bytes, about)| Case {
        what: format!("The file's {name}, inverted."),
        about: about.to_vec(),
        files: Box::new(move |good| Box::new([good.inverted(at, bytes)].into_iter())),
    });
    let others = [
        case("For 32 bits, or big-endian.", ["32 bits", "big-endian"], |good| {
            vec![good.with(4, &[1]), good.with(5, &[2])]
        }),
        case("Position-independent, or an object file.", ["type DYN", "type REL"], |good| {
            vec![good.with(16, &[3]), good.with(16, &[1])]
        }),
        case("For another processor.", ["machine 40"], |good| vec![good.with(18, &[40])]),
        case("65,534 program headers, 65,535, or none.", [MANY_PROGRAMS, "Ampoule note"], |good| {
            // The second means that the first section's header has the number.
            [65_534, 65_535, 0u16]
                .map(|count| good.with(PROGRAM_COUNT, &count.to_le_bytes()))
                .to_vec()
        }),
        case("More than 64 program headers.", [MANY_PROGRAMS], |good| {
            vec![good.with_programs(&[0; 64 * PROGRAM_BYTES])]
        }),
        case("More than 1024 section headers.", ["1024 section headers"], |good| {
            [1025, u16::MAX].map(|count| good.with(SECTION_COUNT, &count.to_le_bytes())).to_vec()
        }),
        case("A program header table that ends after the file, or wraps.", ["damaged"], |good| {
            let end = good.0.len() as u64;
            [end - 56, end, end - 1, u64::MAX - 55, u64::MAX]
                .map(|at| good.with_number(PROGRAMS, at))
                .to_vec()
        }),
    ];
    inverted.into_iter().chain(others).collect()
}

/// What has a segment that breaks a rule.
pub fn segments() -> Vec<Case> {
    let inverted = PROGRAM.map(|(name, at, bytes, about)| Case {
        what: format!("The {name} of any program header, inverted."),
        about: about.to_vec(),
        files: Box::new(move |good| {
            let files = good.all_programs().into_iter();
            let files: Vec<_> = files.map(|program| good.inverted(program + at, bytes)).collect();
            Box::new(files.into_iter())
        }),
    });
    inverted.into_iter().chain(kinds_of_segments()).chain(places_of_segments()).collect()
}

fn kinds_of_segments() -> Vec<Case> {
    vec![
        case("A segment that is writable and executable.", ["writable and executable"], |good| {
            good.programs(LOAD).into_iter().map(|at| good.with(at + FLAGS, &[7])).collect()
        }),
        case("No segment at all.", ["no segment"], |good| {
            let loads = good.programs(LOAD).into_iter();
            vec![loads.fold(good.clone(), |file, at| file.with(at + TYPE, &[0]))]
        }),
        case("An interpreter.", ["PT_INTERP"], |good| {
            vec![good.with_programs(&[&[INTERPRETER][..], &[0; PROGRAM_BYTES - 1]].concat())]
        }),
        case("A dynamic section.", ["PT_DYNAMIC"], |good| {
            vec![good.with_programs(&[&[DYNAMIC][..], &[0; PROGRAM_BYTES - 1]].concat())]
        }),
        case("A section of relocations.", ["relocations"], |good| {
            // Of either type.
            [4, 9].map(|kind| good.with(good.section(3) + 4, &[kind])).to_vec()
        }),
    ]
}

fn places_of_segments() -> Vec<Case> {
    const CODE: u8 = 5;
    const CONSTANTS: u8 = 4;
    vec![
        case("Segments that overlap, whole or by a page.", ["overlap"], |good| {
            let code = good.number(good.segment(CODE) + PHYSICAL);
            let constants = good.segment(CONSTANTS);
            let moved = [code, code + 0x1000].map(|address| good.moved(constants, address));
            let length = good.number(good.segment(CODE) + MEMORY_BYTES);
            let longer = good.with_number(good.segment(CODE) + MEMORY_BYTES, length + 1);
            moved.into_iter().chain([longer]).collect()
        }),
        case("A segment that begins inside a page.", ["does not start on a page"], |good| {
            let at = good.segment(CONSTANTS);
            [1, 16, 0xfff].map(|more| good.moved(at, good.number(at + PHYSICAL) + more)).to_vec()
        }),
        case("A segment below 1 MiB, or above 2 GiB.", ["outside"], |good| {
            let at = good.segment(CONSTANTS);
            [0, 0x1000, 0xff000, 2 << 30, 4 << 30].map(|place| good.moved(at, place)).to_vec()
        }),
        case("A segment elsewhere than its code expects it.", ["would be loaded"], |good| {
            let at = good.segment(CONSTANTS);
            vec![good.with_number(at + VIRTUAL, 0x20_0000), good.with_number(at + PHYSICAL, 0)]
        }),
        case("A segment that wraps around the end of memory.", ["damaged"], |good| {
            let at = good.segment(CONSTANTS);
            let last = 0xffff_ffff_ffff_f000;
            vec![good.moved(at, last), good.with_number(at + MEMORY_BYTES, last)]
        }),
        case("A segment of 4 GiB in memory.", ["outside"], |good| {
            let loads = good.programs(LOAD).into_iter();
            loads.map(|at| good.with_number(at + MEMORY_BYTES, 4 << 30)).collect()
        }),
        case("A segment of 4 GiB in the file.", ["damaged"], |good| {
            let loads = good.programs(LOAD).into_iter();
            loads.map(|at| good.with_number(at + FILE_BYTES, 4 << 30)).collect()
        }),
        case("A segment that ends after the file, or wraps there.", ["damaged"], |good| {
            let at = good.segment(CODE);
            let end = good.0.len() as u64;
            let offsets = [end, 4 << 30, 0xffff_ffff_ffff_f000, u64::MAX];
            offsets.map(|offset| good.with_number(at + OFFSET, offset)).to_vec()
        }),
        case("A segment that is longer in the file than in memory.", ["damaged"], |good| {
            let at = good.segment(CODE);
            vec![good.with_number(at + MEMORY_BYTES, 0x1000)]
        }),
        case("More in memory than the image asks for.", ["only"], |good| {
            vec![good.moved(good.segment(CONSTANTS), 16 << 20)]
        }),
    ]
}

/// What lacks a note, or has one that cannot be read.
pub fn notes() -> Vec<Case> {
    vec![
        case("No note for PVH boot.", ["no PVH note"], |good| {
            vec![good.inverted(good.place(b"Xen\0"), 1)]
        }),
        case("No note of the function's.", ["no Ampoule note"], |good| {
            vec![good.inverted(good.place(b"Ampoule\0"), 1)]
        }),
        case("Notes that end after the file.", ["damaged"], |good| {
            let at = good.programs(NOTE)[0];
            let rest = good.0.len() as u64 - good.number(at + OFFSET);
            let lengths = [rest + 1, 4 << 30, u64::MAX];
            let longer = lengths.map(|bytes| good.with_number(at + FILE_BYTES, bytes));
            let later = [good.0.len() as u64 - 1, u64::MAX - 8];
            let later = later.map(|offset| good.with_number(at + OFFSET, offset));
            longer.into_iter().chain(later).collect()
        }),
        case("A note whose owner or content is as long as can be said.", ["damaged"], |good| {
            let first = good.place(b"Xen\0") - 12;
            [first, first + 4].map(|at| good.with(at, &[0xff; 4])).to_vec()
        }),
        case("More than 64 KiB of notes.", ["64 KiB of notes"], |good| {
            let mut file = good.clone();
            file.0.resize(good.0.len() + (64 << 10) + 1, 0);
            let at = good.programs(NOTE)[0];
            vec![file.with_number(at + FILE_BYTES, (64 << 10) + 1)]
        }),
        case("Notes that are there twice.", ["more than one PVH note"], |good| {
            vec![good.with_programs(good.program(good.programs(NOTE)[0]))]
        }),
        case(
            "A second entry for PVH boot, of another owner.",
            ["more than one PVH note"],
            |good| {
                let at = good.place(b"GNU\0") - 4;
                vec![good.with(at, &[18])]
            },
        ),
        case("An entry for PVH boot that is no code.", ["PVH entry point"], |good| {
            let at = good.place(b"Xen\0") + 4;
            [0u32, 0x1000, u32::MAX].map(|entry| good.with(at, &entry.to_le_bytes())).to_vec()
        }),
        case("A function's note that is no message.", ["Ampoule note cannot be read"], |good| {
            let at = good.place(b"Ampoule\0\x08\x01") + 8;
            vec![good.with(at, &[0xff; 8]), good.with(at + 3, &[0x7f])]
        }),
    ]
}

/// Both versions are named.
const OTHER_ABI: &str = "but this launcher knows version 1";

/// What asks for another contract.
pub fn abi() -> Vec<Case> {
    vec![case("An unknown or impossible ABI version.", [OTHER_ABI], |good| {
        // Field 1 of the note's message, a varint.
        let at = good.place(b"Ampoule\0\x08\x01") + 9;
        [0, 2, 100].map(|version| good.with(at, &[version])).to_vec()
    })]
}

/// What asks for what it cannot have.
pub fn memory() -> Vec<Case> {
    vec![case("Memory that no machine can have.", ["[package.metadata.fn]"], |good| {
        // Field 4, a varint: 4 MiB is 80 80 80 02. Its last byte counts pieces of 2 MiB.
        let at = good.place(b"\x20\x80\x80\x80\x02") + 1;
        let values = [[0x80, 0x80, 0x80, 1], [0x81, 0x80, 0x80, 2], [0x80, 0x80, 0x80, 0]];
        values.map(|value| good.with(at, &value)).to_vec()
    })]
}

/// What has a machine note that lies.
pub fn machine_note() -> Vec<Case> {
    const NUMBERS: usize = 8;
    let put = |good: &File, index: usize, value: u64| {
        good.with_number(machine_note_at(&good.0) + NOTE_HEADER_BYTES + 8 * index, value)
    };
    vec![
        case("A machine note with unknown flags.", ["machine note"], move |good| {
            vec![put(good, 0, 2), put(good, 0, u64::MAX)]
        }),
        case("Queues of an impossible size.", ["machine note"], move |good| {
            [0, 7, 512, 1 << 16, u64::MAX].map(|size| put(good, 1, size)).to_vec()
        }),
        case("A part of a queue in code, nowhere, or at an odd place.", ["queue"], move |good| {
            let code = good.number(good.segment(5) + PHYSICAL);
            let zeroed = good.number(good.programs(LOAD)[0] + PHYSICAL);
            let places = [code, u64::MAX, 4 << 20, zeroed + 1];
            let all = (2..NUMBERS).flat_map(|part| places.map(|place| (part, place)));
            all.map(|(part, place)| put(good, part, place)).collect()
        }),
    ]
}

/// What has an entry note that lies.
pub fn entry_note() -> Vec<Case> {
    let put = |good: &File, index: usize, value: u64| {
        good.with_number(entry_note_at(&good.0) + NOTE_HEADER_BYTES + 8 * index, value)
    };
    vec![
        case("A direct entry that is no code.", ["direct entry point"], move |good| {
            [0, 0x1000, u64::MAX].map(|place| put(good, 0, place)).to_vec()
        }),
        case("A stack, table or task nowhere.", ["entry note"], move |good| {
            let all = [1, 2, 3, 5, 7].into_iter();
            let all = all.flat_map(|part| [0, u64::MAX].map(|place| (part, place)));
            all.map(|(part, place)| put(good, part, place)).collect()
        }),
        case("A number to be stored where the file has content.", ["entry note"], move |good| {
            let code = good.number(good.segment(5) + PHYSICAL);
            [11, 13, 15, 17].map(|store| put(good, store, code)).to_vec()
        }),
        case("A limit of 17 bits, selectors of ring 0.", ["entry note"], move |good| {
            [(4, 1 << 16), (8, 0x20), (9, 0x18), (10, 0x38)]
                .map(|(index, value)| put(good, index, value))
                .to_vec()
        }),
    ]
}
