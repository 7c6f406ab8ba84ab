//! What the VMM tells a guest at boot: PVH start information (Xen
//! `include/public/arch-x86/hvm/start_info.h`), its memory map and command line.
//!
//! The VMM is trusted with the machine it makes, but its addresses are checked before they are
//! followed: outside of what is mapped for it there is only a fault.

use ampoule_abi::layout::{
    BOOT_INFORMATION, DEVICE_BLOCK_BYTES, DEVICE_PAGES, DEVICE_PARAMETER, DRIVEN_PARAMETER,
    PAGE_BYTES,
};

const MAGIC: u32 = 0x336e_c578;
const MEMORY_MAP_VERSION: u32 = 1;
const RAM: u32 = 1;

#[derive(Clone, Copy)]
#[repr(C)]
struct StartInformation {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    modules: u64,
    command_line: u64,
    acpi_tables: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct MemoryMapEntry {
    start: u64,
    bytes: u64,
    kind: u32,
    reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Module {
    start: u64,
    bytes: u64,
    command_line: u64,
    reserved: u64,
}

/// The console's place on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    /// Virtual address of its registers.
    pub registers: u64,
    /// Its interrupt line.
    pub interrupt: u32,
    /// Whether the VMM has done the driver's part of setting it up.
    pub is_driven: bool,
}

/// The start information, checked.
pub struct BootInfo {
    information: StartInformation,
}

impl BootInfo {
    /// Reads it at a guest-physical address; `None` if that is not what lies there.
    pub fn at(address: u64) -> Option<Self> {
        let information: StartInformation = read(address)?;
        let known = information.magic == MAGIC && information.version >= MEMORY_MAP_VERSION;
        known.then_some(Self { information })
    }

    /// End of the RAM in which `address` lies, guest-physical.
    pub fn memory_end(&self, address: u64) -> Option<u64> {
        (0..u64::from(self.information.memory_map_entries.min(64)))
            .filter_map(|index| {
                let bytes = index * size_of::<MemoryMapEntry>() as u64;
                read::<MemoryMapEntry>(self.information.memory_map.checked_add(bytes)?)
            })
            .filter(|entry| entry.kind == RAM && entry.start <= address)
            .filter_map(|entry| entry.start.checked_add(entry.bytes))
            .find(|&end| end > address)
    }

    /// The first module, if there is any.
    pub fn module(&self) -> Option<&'static [u8]> {
        if self.information.module_count == 0 {
            return None;
        }
        let Module { start, bytes, .. } = read(self.information.modules)?;
        let end = start.checked_add(bytes)?;
        BOOT_INFORMATION.iter().find(|range| range.start <= start && end <= range.end)?;
        let content = core::ptr::with_exposed_provenance::<u8>(start as usize);
        // SAFETY: all of it is mapped for reading, and nothing writes there.
        Some(unsafe { core::slice::from_raw_parts(content, bytes as usize) })
    }

    /// The console's address on the command line.
    pub fn console(&self) -> Option<DeviceAddress> {
        let mut words = self.command_line()?.split(|&byte| byte == b' ');
        let is_driven = words.clone().any(|word| word == DRIVEN_PARAMETER.as_bytes());
        words.find_map(|word| {
            let place = word.strip_prefix(DEVICE_PARAMETER.as_bytes())?;
            let (_, place) = split_at_byte(place, b'@')?;
            let (address, interrupt) = split_at_byte(place, b':')?;
            let address = number(address.strip_prefix(b"0x")?, 16)?;
            let offset = address.checked_sub(DEVICE_PAGES[0].physical)?;
            let inside = offset % DEVICE_BLOCK_BYTES == 0 && offset < PAGE_BYTES;
            inside.then_some(DeviceAddress {
                registers: DEVICE_PAGES[0].window + offset,
                interrupt: number(interrupt, 10).filter(|&line| line < 24)? as u32,
                is_driven,
            })
        })
    }

    fn command_line(&self) -> Option<&'static [u8]> {
        let start = self.information.command_line;
        let range = BOOT_INFORMATION.iter().find(|range| range.contains(&start))?;
        let text = core::ptr::with_exposed_provenance::<u8>(start as usize);
        // SAFETY: all up to the end of the range is mapped for reading, and nothing writes there.
        let bytes = unsafe { core::slice::from_raw_parts(text, (range.end - start) as usize) };
        bytes.split(|&byte| byte == 0).next()
    }
}

fn split_at_byte(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = char::from(digit).to_digit(radix)?;
        value.checked_mul(radix.into())?.checked_add(digit.into())
    })
}

/// Reads a plain structure that lies whole where boot information may.
fn read<T: Copy>(address: u64) -> Option<T> {
    let end = address.checked_add(size_of::<T>() as u64)?;
    BOOT_INFORMATION.iter().find(|range| range.start <= address && end <= range.end)?;
    let structure = core::ptr::with_exposed_provenance::<T>(address as usize);
    // SAFETY: it lies in a range that is mapped for reading, and any bytes are a value of the
    // structures above, which are integers without padding.
    Some(unsafe { structure.read_unaligned() })
}
