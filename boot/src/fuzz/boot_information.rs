//! What a guest is told at boot, as the guest reads it.

use std::cell::RefCell;

use ampoule_abi::layout::{
    BOOT_INFORMATION, DEVICE_BLOCK_BYTES, DEVICE_PAGES, DEVICE_PARAMETER, DRIVEN_PARAMETER,
    IMAGE_BASE, LARGE_PAGE_BYTES, MAX_MEMORY_BYTES, MIN_MEMORY_BYTES, PAGE_BYTES,
};

use super::Choices;
use super::guest::boot_info::{Areas, BootInfo};
use crate::backend::fuzz::boot_information as information;

/// Greatest number of places where something is written, which are as many to clean up.
const MAX_PATCHES: usize = 64;

thread_local! {
    /// Zeros between two runs.
    static AREAS: RefCell<[Vec<u8>; BOOT_INFORMATION.len()]> =
        RefCell::new(BOOT_INFORMATION.map(|range| vec![0; (range.end - range.start) as usize]));
}

/// Any bytes in any places of the memory that a guest reads, and what the monitor really writes.
pub fn boot_information(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    AREAS.with_borrow_mut(|areas| {
        if choices.byte() & 1 == 0 {
            hostile(areas, choices);
        } else {
            written(areas, choices);
        }
    });
}

fn hostile(areas: &mut [Vec<u8>; BOOT_INFORMATION.len()], mut choices: Choices<'_>) {
    // Most of what lies there is found only if it lies near the start.
    let address = match choices.byte() {
        0 => choices.long(),
        _ => BOOT_INFORMATION[0].start,
    };
    let mut patches = Vec::new();
    while !choices.is_empty() && patches.len() < MAX_PATCHES {
        let (area, at) = (usize::from(choices.byte() & 1), choices.word() as usize);
        let at = at % areas[area].len();
        let length = choices.byte().into();
        let bytes = choices.bytes(length);
        let end = areas[area].len().min(at + bytes.len());
        areas[area][at..end].copy_from_slice(&bytes[..end - at]);
        patches.push((area, at..end));
    }
    check(address, areas.each_ref().map(Vec::as_slice));
    for (area, range) in patches {
        areas[area][range].fill(0);
    }
}

fn check(address: u64, areas: Areas<'_>) {
    let Some(information) = BootInfo::at(address, areas) else { return };
    if let Some(end) = information.memory_end(IMAGE_BASE) {
        assert!(end > IMAGE_BASE);
    }
    if let Some(module) = information.module() {
        assert!(areas.iter().any(|area| area.as_ptr_range().start <= module.as_ptr()
            && module.as_ptr_range().end <= area.as_ptr_range().end));
    }
    for console in information.devices() {
        let block = console.registers - DEVICE_PAGES[0].window;
        assert!(block.is_multiple_of(DEVICE_BLOCK_BYTES) && block < PAGE_BYTES);
        assert!(console.interrupt < 24);
    }
}

fn written(areas: &mut [Vec<u8>; BOOT_INFORMATION.len()], mut choices: Choices<'_>) {
    let pages = u64::from(choices.short());
    let memory_bytes = (pages * LARGE_PAGE_BYTES).clamp(MIN_MEMORY_BYTES, MAX_MEMORY_BYTES);
    let (block, interrupt, is_driven) =
        (choices.byte() % 8, choices.byte() % 24, choices.byte() & 1);
    let place = DEVICE_PAGES[0].physical + u64::from(block) * DEVICE_BLOCK_BYTES;
    let mut command_line = format!("{DEVICE_PARAMETER}{DEVICE_BLOCK_BYTES}@{place:#x}:{interrupt}");
    if is_driven == 1 {
        command_line = format!("{command_line} {DRIVEN_PARAMETER}");
    }
    let module = choices.rest();
    let (place, bytes) = information(memory_bytes, &command_line, module);
    let bytes = bytes.expect("there is room");
    assert_eq!(place, BOOT_INFORMATION[0].start);
    areas[0][..bytes.len()].copy_from_slice(&bytes);
    let shown = areas.each_ref().map(Vec::as_slice);
    let information = BootInfo::at(place, shown).expect("it is sound");
    assert_eq!(information.memory_end(IMAGE_BASE), Some(memory_bytes));
    assert_eq!(information.module(), Some(module));
    let console = information.devices().next().expect("it is told");
    assert_eq!(console.registers - DEVICE_PAGES[0].window, u64::from(block) * DEVICE_BLOCK_BYTES);
    assert_eq!((console.interrupt, console.is_driven), (interrupt.into(), is_driven == 1));
    areas[0][..bytes.len()].fill(0);
}
