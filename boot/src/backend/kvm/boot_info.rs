//! What a PVH kernel is told: start information, memory map, command line, modules (Xen
//! `include/public/arch-x86/hvm/start_info.h`).
//!
//! All of it follows each other from [`PLACE`] on, so that most calls touch one page.

use ampoule_abi::layout::{BOOT_INFORMATION, IMAGE_BASE};

/// Guest-physical address of the start information.
pub(super) const PLACE: u64 = BOOT_INFORMATION[0].start;

/// First address after what may be told.
const END: u64 = BOOT_INFORMATION[0].end;

const MAGIC: u32 = 0x336e_c578;
const VERSION: u32 = 1;
const RAM: u32 = 1;

const START_INFO_BYTES: u64 = 56;
const MODULE_BYTES: u64 = 32;
const MAP_ENTRY_BYTES: u64 = 24;

/// The two ranges of RAM of a PC: what lies between them is not.
fn memory_map(memory_bytes: u64) -> [(u64, u64); 2] {
    [(0, END), (IMAGE_BASE, memory_bytes - IMAGE_BASE)]
}

/// The bytes at [`PLACE`] for a machine of that much memory, with one module at most; `None` if
/// there is no room for it.
pub(super) fn write(
    memory_bytes: u64,
    command_line: &str,
    module: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let (flags, module_count) = (0, module.is_some().into());
    let module = module.unwrap_or_default();
    let map = memory_map(memory_bytes);
    let modules_at = PLACE + START_INFO_BYTES;
    let map_at = modules_at + MODULE_BYTES;
    let command_line_at = map_at + map.len() as u64 * MAP_ENTRY_BYTES;
    let module_at = command_line_at + command_line.len() as u64 + 1;
    if module_at.checked_add(module.len() as u64)? > END {
        return None;
    }
    let mut bytes = Vec::with_capacity((module_at - PLACE) as usize + module.len());
    let words = |bytes: &mut Vec<u8>, words: &[u64]| {
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let halves = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    words(&mut bytes, &[halves(MAGIC, VERSION), halves(flags, module_count)]);
    words(&mut bytes, &[modules_at, command_line_at, 0, map_at, map.len() as u64]);
    words(&mut bytes, &[module_at, module.len() as u64, 0, 0]);
    for (start, length) in map {
        words(&mut bytes, &[start, length, RAM.into()]);
    }
    bytes.extend(command_line.as_bytes());
    bytes.push(0);
    bytes.extend(module);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(bytes: &[u8], address: u64) -> u64 {
        let at = (address - PLACE) as usize;
        u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
    }

    #[test]
    fn each_part_is_where_the_others_say() {
        let bytes = write(16 << 20, "a=b", Some(b"module")).expect("there is room");
        assert_eq!(word(&bytes, PLACE), 0x1_336e_c578);
        assert_eq!(word(&bytes, PLACE + 8) >> 32, 1, "one module");
        let (modules, command_line) = (word(&bytes, PLACE + 16), word(&bytes, PLACE + 24));
        let (map, entries) = (word(&bytes, PLACE + 40), word(&bytes, PLACE + 48));
        let module = word(&bytes, modules);
        assert_eq!(word(&bytes, modules + 8), 6);
        assert_eq!(&bytes[(module - PLACE) as usize..], b"module");
        assert!(bytes[(command_line - PLACE) as usize..].starts_with(b"a=b\0"));
        assert_eq!(entries, 2);
        assert_eq!((word(&bytes, map + 24), word(&bytes, map + 32)), (1 << 20, 15 << 20));
        assert_eq!(word(&bytes, map + 40), 1);
    }

    #[test]
    fn what_has_no_room_is_refused() {
        assert!(write(16 << 20, "", Some(&vec![0; 0x9_e000])).is_some());
        assert!(write(16 << 20, "", Some(&vec![0; 0x9_f000])).is_none());
    }
}
