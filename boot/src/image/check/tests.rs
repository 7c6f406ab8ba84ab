//! Each rule, broken by a sample that is sound otherwise.

use super::super::sample::{CODE, DATA, NOTES, Sample};
use super::*;
use proptest::prelude::*;

fn place(sample: &mut Sample, address: u64) {
    sample.programs[DATA].p_paddr = address.into();
    sample.programs[DATA].p_vaddr = address.into();
}

fn refusal(change: impl FnOnce(&mut Sample)) -> ImageError {
    let mut sample = Sample::default();
    change(&mut sample);
    check(&sample.build()[..]).expect_err("refused")
}

#[test]
fn a_good_image_gives_its_facts() {
    let facts = check(&Sample::default().build()[..]).expect("a good image");
    assert_eq!(facts.note.name, "sample");
    assert_eq!(facts.pvh_entry, 0x10_1000);
    assert_eq!(facts.end(), 0x10_4000);
    assert!(facts.segments[0].executable && !facts.segments[0].writable);
}

#[test]
fn queues_are_zeroed_memory() {
    let with = |numbers: [u64; 8]| {
        let sample = Sample { machine_note: Some(numbers), ..Sample::default() };
        check(&sample.build()[..])
    };
    let good = [1, 8, 0x10_3100, 0x10_3200, 0x10_3300, 0x10_3400, 0x10_3500, 0x10_3f00];
    let machine = with(good).expect("a good image").machine.expect("a note");
    assert!(machine.asks_processor && machine.size == 8);
    assert_eq!((machine.receive.descriptors, machine.transmit.device), (0x10_3100, 0x10_3f00));
    // In what the file fills, in code, across the end, behind it, nowhere, not aligned.
    for address in [0x10_3000, 0x10_1000, 0x10_3ffc, 0x10_4000, u64::MAX, 0x10_3101] {
        for number in 2..8 {
            let mut numbers = good;
            numbers[number] = address;
            assert_eq!(with(numbers), Err(ImageError::Queue { address }));
        }
    }
    for (number, value) in [(0, 2), (1, 0), (1, 7), (1, 512), (1, 1 << 16)] {
        let mut numbers = good;
        numbers[number] = value;
        assert_eq!(with(numbers), Err(ImageError::BadNote("machine")));
    }
}

#[test]
fn a_direct_entry_points_into_the_image() {
    let with = |numbers: [u64; 19]| {
        let sample = Sample { entry_note: Some(numbers), ..Sample::default() };
        check(&sample.build()[..])
    };
    let good = [
        0x10_1000, 0x10_3f00, 0x10_3000, 0x10_3100, 0x37, 0x10_3200, 0x20f, 0x10_3500, 0x23, 0x1b,
        0x28, 0x10_3800, 1, 0x10_3ff8, 2, 0, 3, 0, 0,
    ];
    let entry = with(good).expect("a good image").direct_entry.expect("a note");
    assert_eq!((entry.instruction, entry.root, entry.task), (0x10_1000, 0x10_3000, 0x10_3500));
    assert_eq!((entry.descriptors.limit, entry.selectors), (0x37, [0x23, 0x1b, 0x28]));
    assert_eq!((entry.stores[1].address, entry.stores[1].value), (0x10_3ff8, 2));
    let but = |number: usize, value: u64| {
        let mut numbers = good;
        numbers[number] = value;
        with(numbers).expect_err("refused")
    };
    for address in [0, 0x10_2000, 0x10_4000, u64::MAX] {
        let which = "direct";
        assert_eq!(but(0, address), ImageError::Entry { which, address });
        for number in [2, 3, 5, 7] {
            assert_eq!(but(number, address), ImageError::EntryState { address });
        }
    }
    assert_eq!(but(2, 0x10_3008), ImageError::EntryState { address: 0x10_3008 });
    assert_eq!(but(1, 0), ImageError::EntryState { address: 0 });
    // Where the file has something, in code, across the end, not aligned.
    for address in [0x10_3000, 0x10_1000, 0x10_3ffc, 0x10_4000, u64::MAX, 0x10_3804] {
        assert_eq!(but(11, address), ImageError::EntryState { address });
        assert_eq!(but(17, address), ImageError::EntryState { address });
    }
    assert_eq!(but(6, 0xfff), ImageError::EntryState { address: 0x10_3200 });
    // A limit that is too short or no limit, selectors of another ring, or of the other table.
    for (number, value) in
        [(4, 0x36), (4, 1 << 16), (8, 0x20), (8, 0x27), (9, 0x18), (10, 0x2b), (10, 0x30)]
    {
        assert_eq!(but(number, value), ImageError::BadNote("entry"), "{number}: {value:#x}");
    }
}

#[test]
fn other_kinds_of_file_are_named() {
    assert_eq!(check(&b""[..]), Err(ImageError::NotElf));
    assert_eq!(check(&b"#!/bin/sh\n"[..]), Err(ImageError::NotElf));
    assert!(matches!(refusal(|s| s.kind = elf::ET_DYN), ImageError::WrongKind { .. }));
    assert!(matches!(refusal(|s| s.machine = elf::EM_AARCH64), ImageError::WrongKind { .. }));
    let program = |s: &mut Sample| {
        s.note = None;
        s.kind = elf::ET_DYN;
        s.add(elf::PT_INTERP);
    };
    assert_eq!(refusal(program), ImageError::NoNote, "advice on linking helps nobody");
    let mut flags = Sample::default().build();
    flags[48] = 1;
    assert!(matches!(check(&flags[..]), Err(ImageError::Damaged(_))));
}

#[test]
fn what_is_not_static_is_refused() {
    assert_eq!(refusal(|s| s.add(elf::PT_INTERP)), ImageError::Interpreter);
    assert_eq!(refusal(|s| s.add(elf::PT_DYNAMIC)), ImageError::Dynamic);
    assert!(matches!(refusal(|s| s.relocations = true), ImageError::Relocations(_)));
}

#[test]
fn segments_must_be_apart_in_bounds_and_never_writable_code() {
    let wx = |s: &mut Sample| s.programs[CODE].p_flags = (elf::PF_W | elf::PF_X).into();
    assert_eq!(refusal(wx), ImageError::WritableCode { address: 0x10_1000 });
    let overlap = |s: &mut Sample| place(s, 0x10_1000);
    assert!(matches!(refusal(overlap), ImageError::Overlap { .. }));
    let below = |s: &mut Sample| place(s, 0x1000);
    assert!(matches!(refusal(below), ImageError::Misplaced { address: 0x1000, .. }));
    let wraps = |s: &mut Sample| s.programs[DATA].p_memsz = u64::MAX.into();
    assert!(matches!(refusal(wraps), ImageError::Damaged(_)));
    let unaligned = |s: &mut Sample| place(s, 0x10_3010);
    assert_eq!(refusal(unaligned), ImageError::Unaligned { address: 0x10_3010 });
    let elsewhere = |s: &mut Sample| s.programs[DATA].p_paddr = 0x20_0000.into();
    let error = ImageError::NotIdentity { address: 0x10_3000, load_address: 0x20_0000 };
    assert_eq!(refusal(elsewhere), error);
    let past = |s: &mut Sample| s.programs[DATA].p_offset = (1 << 40).into();
    assert!(matches!(refusal(past), ImageError::Damaged(_)));
}

#[test]
fn entries_must_be_code() {
    let entry = refusal(|s| s.entry = 0x10_2000);
    assert_eq!(entry, ImageError::Entry { which: "ELF", address: 0x10_2000 });
    let entry = refusal(|s| s.pvh_entry = Some(0));
    assert_eq!(entry, ImageError::Entry { which: "PVH", address: 0 });
    assert_eq!(refusal(|s| s.pvh_entry = None), ImageError::NoPvhNote);
}

#[test]
fn the_note_is_checked() {
    assert_eq!(refusal(|s| s.note = None), ImageError::NoNote);
    let with = |change: fn(&mut ImageNote)| refusal(|s| s.note.iter_mut().for_each(change));
    let future = with(|n| n.abi_version = 9);
    assert_eq!(future, ImageError::UnknownAbi { found: 9 });
    assert!(future.to_string().contains("ABI version 9, but this launcher knows version 1"));
    assert_eq!(with(|n| n.abi_version = 0), ImageError::UnknownAbi { found: 0 });
    assert!(matches!(with(|n| n.name = "a\x1bb".to_owned()), ImageError::BadName(_)));
    assert!(matches!(with(|n| n.name.clear()), ImageError::BadName(_)));
    assert!(matches!(with(|n| n.memory_bytes = 5 << 20), ImageError::Memory(_)));
    assert!(matches!(with(|n| n.name = "a\u{202e}b".to_owned()), ImageError::BadName(_)));
    assert!(matches!(with(|n| n.name = "a\u{3000}b".to_owned()), ImageError::BadName(_)));
    assert!(matches!(with(|n| n.version.clear()), ImageError::BadVersion(_)));
    assert!(matches!(with(|n| n.version = "1\x1b".to_owned()), ImageError::BadVersion(_)));
    assert_eq!(with(|n| n.stack_bytes = 0), ImageError::NoStack);
}

#[test]
fn no_message_is_as_long_as_what_it_is_about() {
    const LONG: usize = 40_000;
    let with = |change: fn(&mut ImageNote)| refusal(|s| s.note.iter_mut().for_each(change));
    for error in [
        with(|n| n.name = "\u{202e}".repeat(LONG / 3)),
        with(|n| n.version = "v".repeat(LONG)),
        with(|n| n.event_modes = vec!["m".repeat(LONG)]),
        with(|n| n.event_modes = vec!["raw".to_owned(); LONG / 5]),
        with(|n| n.capabilities = vec!["c".repeat(LONG)]),
    ] {
        assert!(!matches!(error, ImageError::Damaged(_)), "{error}");
        assert!(error.to_string().len() < 4096, "{error}");
    }
}

#[test]
fn each_note_is_there_once() {
    let with = |owner, kind| {
        let mut sample = Sample {
            machine_note: Some([
                1, 8, 0x10_3100, 0x10_3200, 0x10_3300, 0x10_3400, 0x10_3500, 0x10_3f00,
            ]),
            more_notes: vec![(owner, kind)],
            ..Sample::default()
        };
        sample.entry_note = Some([0; 19]);
        check(&sample.build()[..]).expect_err("refused")
    };
    assert_eq!(with(note::OWNER, note::TYPE), ImageError::NoteTwice("Ampoule"));
    assert_eq!(with(note::OWNER, note::MACHINE_TYPE), ImageError::NoteTwice("machine"));
    assert_eq!(with(note::OWNER, note::ENTRY_TYPE), ImageError::NoteTwice("entry"));
    assert_eq!(with(note::PVH_OWNER, note::PVH_TYPE), ImageError::NoteTwice("PVH"));
    // QEMU takes the entry of any owner's.
    assert_eq!(with("GNU", note::PVH_TYPE), ImageError::NoteTwice("PVH"));
    let sample = Sample { more_notes: vec![("GNU", note::TYPE); 2], ..Sample::default() };
    check(&sample.build()[..]).expect("others have as many as they like");
}

/// A good image whose program headers are at its end, filled up with empty ones.
fn with_programs(count: usize) -> Vec<u8> {
    let sample = Sample::default();
    let mut programs = sample.programs.len();
    let mut bytes = sample.build();
    let table = bytes[64..][..programs * size_of::<Program>()].to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let at = bytes.len() as u64;
    bytes.extend(table);
    while programs < count {
        bytes.extend([0; size_of::<Program>()]);
        programs += 1;
    }
    bytes[32..40].copy_from_slice(&at.to_le_bytes());
    bytes[56..58].copy_from_slice(&(count as u16).to_le_bytes());
    bytes
}

#[test]
fn what_is_read_of_a_file_is_bounded() {
    check(&with_programs(64)[..]).expect("as many as there may be");
    let error = check(&with_programs(65)[..]).expect_err("one more");
    assert_eq!(error, ImageError::Damaged("more than 64 program headers"));
    let with_notes = |lengths: [u64; 2]| {
        let mut sample = Sample::default();
        for length in lengths {
            sample.add(elf::PT_NOTE);
            sample.programs.last_mut().expect("it").p_filesz = length.into();
        }
        check(&sample.build()[..]).expect_err("they are not there")
    };
    let too_many = ImageError::Damaged("more than 64 KiB of notes");
    assert_eq!(with_notes([60 << 10, 4 << 10]), too_many);
    assert_eq!(with_notes([u64::MAX, 2]), too_many);
    assert_eq!(with_notes([30 << 10, 30 << 10]), ImageError::Damaged("a note segment"));
    let sections = |count: u16| {
        let mut bytes = Sample { relocations: true, ..Sample::default() }.build();
        bytes.resize(bytes.len() + 64 * usize::from(count), 0);
        bytes[60..62].copy_from_slice(&count.to_le_bytes());
        check(&bytes[..]).expect_err("it has relocations")
    };
    assert!(matches!(sections(1024), ImageError::Relocations(_)));
    assert_eq!(sections(1025), ImageError::Damaged("more than 1024 section headers"));
}

#[test]
fn event_modes_are_known_and_capabilities_are_not() {
    let with = |change: fn(&mut ImageNote)| {
        let mut sample = Sample::default();
        sample.note.iter_mut().for_each(change);
        check(&sample.build()[..])
    };
    assert!(with(|n| n.event_modes = vec!["raw".to_owned(), "batched".to_owned()]).is_ok());
    let twice = with(|n| n.event_modes = vec!["raw".to_owned(); 2]);
    assert_eq!(twice, Err(ImageError::EventModeTwice("raw".to_owned())));
    let mode = with(|n| n.event_modes = vec!["raw".to_owned(), "x\x1b".to_owned()]);
    assert_eq!(mode, Err(ImageError::UnknownEventMode("x\x1b".to_owned())));
    let capability = with(|n| n.capabilities = vec!["network\x1b".to_owned()]);
    let message = capability.expect_err("refused").to_string();
    assert!(message.contains("capability \"network\\u{1b}\""), "{message}");
}

#[test]
fn an_image_must_fit_its_memory() {
    let error = refusal(|s| s.programs[DATA].p_memsz = (16u64 << 20).into());
    let message = error.to_string();
    assert!(message.contains("at least 18MiB"), "{message}");
}

#[test]
fn every_truncation_is_refused_without_a_panic() {
    let whole = Sample::default().build();
    for end in 0..whole.len() {
        assert!(check(&whole[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn every_flipped_byte_is_read_or_refused() {
    let mut bytes = Sample::default().build();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            bytes[at] ^= mask;
            if let Ok(facts) = check(&bytes[..]) {
                assert!(facts.end() <= facts.note.memory_bytes);
            }
            bytes[at] ^= mask;
        }
    }
    assert!(NOTES < bytes.len());
}

proptest! {
    #[test]
    fn any_bytes_are_an_image_or_refused(tail: Vec<u8>) {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.extend(tail);
        let _ = check(&bytes[..]);
    }
}
