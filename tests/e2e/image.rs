//! Images that are not to be run (SPEC C7): each is refused before any machine starts.
//!
//! The launcher is given a monitor that does not exist: a call that got as far as starting one would
//! give 125.

use std::fs;

use ampoule_abi::note::{self, EntryNote, MachineNote};

use crate::data::Random;
use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::Done;
use crate::{hints, tools};

pub fn add(suite: &mut Suite) {
    suite.once("image::what_does_not_exist_gives_127", missing);
    suite.once("image::what_is_no_image_gives_126", no_image);
    suite.once("image::a_file_cut_short_gives_126_wherever_it_is_cut", truncated);
    suite.once("image::a_header_of_another_kind_gives_126", headers);
    suite.once("image::a_segment_that_breaks_a_rule_gives_126", segments);
    suite.once("image::an_image_without_a_note_gives_126", notes);
    suite.once("image::a_machine_note_that_lies_gives_126", machine_note);
    suite.once("image::an_entry_note_that_lies_gives_126", entry_note);
    suite.once("image::an_unknown_abi_gives_126_and_names_both_versions", abi);
    suite.once("image::memory_that_no_machine_can_have_gives_126", memory);
    suite.once("image::no_flipped_byte_is_a_bug_of_the_launcher", flipped);
    suite.each("image::its_path_and_name_do_not_matter", moved);
    suite.each("image::too_little_memory_for_the_image_is_refused", too_little);
}

fn good() -> Vec<u8> {
    fs::read(tools::get().image("echo")).expect("the image of echo")
}

fn run(bytes: &[u8]) -> Done {
    let scratch = Scratch::new();
    let path = scratch.path("function.elf");
    fs::write(&path, bytes).expect("written");
    let call = launcher(&["run", &path.display().to_string(), "--accel", "tcg"]);
    call.env("AMPOULE_QEMU", "/nowhere/qemu").run()
}

#[track_caller]
fn refused(bytes: &[u8], parts: &[&str]) {
    let done = run(bytes).expect(126).says(&["function.elf cannot be run"]).says(parts);
    hints::check(&done.stderr);
    assert!(done.stdout.is_empty());
}

fn missing() {
    let done = launcher(&["run", "/nowhere/x.elf"]).run().expect(127);
    done.says(&["/nowhere/x.elf", "cargo xtask build-fn"]);
}

fn no_image() {
    refused(b"", &["not an ELF file"]);
    refused(b"#!/bin/sh\n", &["not an ELF file", "cargo xtask build-fn"]);
    let host = fs::read("/proc/self/exe").expect("this program");
    refused(&host, &["link"]);
    let folder = launcher(&["run", "/tmp"]).run().expect(126);
    folder.says(&["/tmp is not a regular file"]);
}

fn truncated() {
    let good = good();
    for length in [1, 4, 16, 63, 64, 65, 120, 400, good.len() / 2, good.len() - 1] {
        refused(&good[..length], &[]);
    }
}

fn headers() {
    // Class, byte order, type, machine.
    for (offset, value) in [(4, 1), (5, 2), (16, 3), (18, 40)] {
        let mut bytes = good();
        bytes[offset] = value;
        refused(&bytes, &[]);
    }
}

/// Fields of an ELF file's program headers, by their offset in one (ELF-64, figure 6).
const TYPE: usize = 0;
const FLAGS: usize = 4;
const VIRTUAL: usize = 16;
const PHYSICAL: usize = 24;

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The offsets of the program headers of a type.
fn programs(bytes: &[u8], kind: u8) -> Vec<usize> {
    let count = u16::from_le_bytes([bytes[56], bytes[57]]) as usize;
    let first = number(bytes, 32) as usize;
    (0..count).map(|index| first + 56 * index).filter(|&at| bytes[at + TYPE] == kind).collect()
}

const LOAD: u8 = 1;
const NOTE: u8 = 4;

fn segments() {
    let good = good();
    let loads = programs(&good, LOAD);
    let mut code = good.clone();
    code[loads[1] + FLAGS] = 7;
    refused(&code, &["writable and executable"]);
    let with_address = |address: u64| {
        let mut bytes = good.clone();
        for field in [VIRTUAL, PHYSICAL] {
            bytes[loads[2] + field..][..8].copy_from_slice(&address.to_le_bytes());
        }
        bytes
    };
    refused(&with_address(number(&good, loads[1] + PHYSICAL)), &["overlap"]);
    refused(&with_address(number(&good, loads[2] + PHYSICAL) + 16), &["page"]);
    refused(&with_address(0x1000), &["outside"]);
    refused(&with_address(0xffff_ffff_ffff_f000), &[]);
    for (kind, part) in [(3, "PT_INTERP"), (2, "PT_DYNAMIC")] {
        let mut bytes = good.clone();
        let spare = programs(&good, NOTE)[0];
        bytes[spare + TYPE] = kind;
        refused(&bytes, &[part]);
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

/// From the beginning of a note to its content.
pub const NOTE_HEADER_BYTES: usize = 12 + note::OWNER.len() + 1;

fn note_at(image: &[u8], kind: u32, bytes: usize) -> usize {
    let owner = [note::OWNER.as_bytes(), b"\0"].concat();
    let words = [owner.len() as u32, bytes as u32, kind];
    let header = [&words.map(u32::to_le_bytes).concat()[..], &owner].concat();
    let places: Vec<_> = (0..image.len()).filter(|&at| image[at..].starts_with(&header)).collect();
    let &[place] = &places[..] else { panic!("the note is there once: {places:?}") };
    place
}

fn machine_note() {
    let good = good();
    let content = machine_note_at(&good) + NOTE_HEADER_BYTES;
    let code = number(&good, programs(&good, LOAD)[1] + PHYSICAL);
    let with = |index: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[content + 8 * index..][..8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    refused(&with(0, 2), &["machine"]);
    refused(&with(1, 7), &["machine"]);
    for queue in 2..8 {
        refused(&with(queue, code), &["zeroed, writable memory", &format!("{code:#x}")]);
        refused(&with(queue, u64::MAX), &["0xffffffffffffffff"]);
    }
}

fn entry_note() {
    let good = good();
    let content = entry_note_at(&good) + NOTE_HEADER_BYTES;
    let with = |index: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[content + 8 * index..][..8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    refused(&with(0, 0x1000), &["direct entry point"]);
    for place in [1, 2, 3, 5, 7] {
        refused(&with(place, u64::MAX), &["entry note"]);
        refused(&with(place, 0), &["entry note", "0x0"]);
    }
    // A limit of more than 16 bits, and selectors of ring 0.
    for (index, value) in [(4, 1 << 16), (8, 0x20), (9, 0x18), (10, 0x38)] {
        refused(&with(index, value), &["entry"]);
    }
}

fn notes() {
    for (owner, part) in [(&b"Xen\0"[..], "PVH note"), (b"Ampoule\0", "Ampoule note")] {
        let mut bytes = good();
        let at = place(&bytes, owner);
        bytes[at] ^= 0x20;
        refused(&bytes, &[part]);
    }
    let mut bytes = good();
    let at = place(&bytes, b"Xen\0");
    // The descriptor follows the name: an entry point where no code is.
    bytes[at + 4..at + 8].copy_from_slice(&0x1000_u32.to_le_bytes());
    refused(&bytes, &["PVH entry point"]);
}

fn place(bytes: &[u8], words: &[u8]) -> usize {
    bytes.windows(words.len()).position(|window| window == words).expect("it is in the image")
}

fn abi() {
    // Field 1 of the note's message, a varint.
    let mut bytes = good();
    let at = place(&bytes, b"Ampoule\0\x08\x01") + 9;
    for version in [2, 100, 0] {
        bytes[at] = version;
        refused(&bytes, &[&format!("ABI version {version}"), "version 1"]);
    }
}

fn memory() {
    // Field 4, a varint: 4 MiB is 80 80 80 02. Its last byte counts pieces of 2 MiB.
    let mut bytes = good();
    let at = place(&bytes, b"\x20\x80\x80\x80\x02") + 4;
    bytes[at] = 1;
    refused(&bytes, &["[package.metadata.fn]"]);
}

fn flipped() {
    let (good, mut random) = (good(), Random::new(7));
    for _ in 0..100 {
        let mut bytes = good.clone();
        let at = random.next() as usize % 512;
        bytes[at] ^= 1 << (random.next() % 8);
        let done = run(&bytes);
        assert!(matches!(done.status, 125 | 126), "byte {at}: {done:?}");
        assert!(!done.stderr.contains("a bug of"), "byte {at}: {done:?}");
    }
}

fn moved(backend: Backend) {
    let scratch = Scratch::new();
    let path = scratch.path("any name, -even this");
    fs::write(&path, good()).expect("written");
    let done = backend.call_image(path).bare().feed(b"x").expect(0).silent();
    assert_eq!(done.stdout, b"x");
}

fn too_little(backend: Backend) {
    let done = backend.call("echo").options(&["--memory", "2MiB"]).bare().run().expect(125);
    assert!(done.stderr.contains("4MiB"), "{done:?}");
}
