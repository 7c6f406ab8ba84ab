//! What the VMM tells a guest at boot: PVH start information (Xen
//! `include/public/arch-x86/hvm/start_info.h`), its memory map and command line.
//!
//! Pure: it is handed the memory in which the VMM may leave that. The VMM is trusted with the machine
//! it makes, but its addresses are checked before they are followed.

use ampoule_abi::layout::{
    BOOT_INFORMATION, DEVICE_BLOCK_BYTES, DEVICE_PAGES, DEVICE_PARAMETER, DRIVEN_PARAMETER,
    PAGE_BYTES,
};

const MAGIC: u32 = 0x336e_c578;
const MEMORY_MAP_VERSION: u32 = 1;
const RAM: u32 = 1;

/// Offsets in the start information.
mod start {
    pub const VERSION: u64 = 4;
    pub const MODULE_COUNT: u64 = 12;
    pub const MODULES: u64 = 16;
    pub const COMMAND_LINE: u64 = 24;
    pub const MEMORY_MAP: u64 = 40;
    pub const MEMORY_MAP_ENTRIES: u64 = 48;
}

/// Of an entry of the memory map, after its start.
mod entry {
    pub const LENGTH: u64 = 8;
    pub const KIND: u64 = 16;
    pub const BYTES: u64 = 24;
}

/// Of a module, after its start.
const MODULE_LENGTH: u64 = 8;

/// More of the memory map is not looked at.
const MAX_MEMORY_MAP_ENTRIES: u32 = 64;

/// What lies in [`BOOT_INFORMATION`], whole.
pub type Areas<'a> = [&'a [u8]; BOOT_INFORMATION.len()];

/// A device's place on the machine, which may be the console's.
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
pub struct BootInfo<'a> {
    areas: Areas<'a>,
    address: u64,
}

impl<'a> BootInfo<'a> {
    /// Finds it at a guest-physical address; `None` if that is not what lies there.
    pub fn at(address: u64, areas: Areas<'a>) -> Option<Self> {
        let information = Self { areas, address };
        let known = information.word(address)? == MAGIC
            && information.field(start::VERSION)? >= MEMORY_MAP_VERSION;
        known.then_some(information)
    }

    /// End of the RAM in which `address` lies, guest-physical.
    pub fn memory_end(&self, address: u64) -> Option<u64> {
        let map = self.long_field(start::MEMORY_MAP)?;
        let entries = self.field(start::MEMORY_MAP_ENTRIES)?.min(MAX_MEMORY_MAP_ENTRIES);
        (0..u64::from(entries))
            .filter_map(|index| {
                let entry = map.checked_add(index * entry::BYTES)?;
                let start = self.long(entry)?;
                let length = self.long(entry.checked_add(entry::LENGTH)?)?;
                let kind = self.word(entry.checked_add(entry::KIND)?)?;
                (kind == RAM && start <= address).then_some(start.checked_add(length)?)
            })
            .find(|&end| end > address)
    }

    /// The first module, if there is any.
    pub fn module(&self) -> Option<&'a [u8]> {
        if self.field(start::MODULE_COUNT)? == 0 {
            return None;
        }
        let module = self.long_field(start::MODULES)?;
        let start = self.long(module)?;
        let length = self.long(module.checked_add(MODULE_LENGTH)?)?;
        self.from(start)?.get(..usize::try_from(length).ok()?)
    }

    /// The addresses on the command line, the last first: a monitor adds its own to what its caller
    /// has given, which may be anything.
    pub fn devices(&self) -> impl Iterator<Item = DeviceAddress> {
        let line = self.command_line().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).take_while(|word| word != b"--");
        let is_driven = words.any(|word| word == DRIVEN_PARAMETER.as_bytes());
        line.rsplit(u8::is_ascii_whitespace).filter_map(move |word| {
            let place = word.strip_prefix(DEVICE_PARAMETER.as_bytes())?;
            let (_, place) = split_at_byte(place, b'@')?;
            let (address, interrupt) = split_at_byte(place, b':')?;
            // A number of Linux's own may follow.
            let interrupt = interrupt.split(|&byte| byte == b':').next()?;
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

    /// The kernel command line, if there is any.
    pub fn command_line(&self) -> Option<&'a [u8]> {
        self.from(self.long_field(start::COMMAND_LINE)?)?.split(|&byte| byte == 0).next()
    }

    fn field(&self, offset: u64) -> Option<u32> {
        self.word(self.address.checked_add(offset)?)
    }

    fn long_field(&self, offset: u64) -> Option<u64> {
        self.long(self.address.checked_add(offset)?)
    }

    fn word(&self, address: u64) -> Option<u32> {
        self.from(address)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn long(&self, address: u64) -> Option<u64> {
        self.from(address)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// All that may be read from a guest-physical address on.
    fn from(&self, address: u64) -> Option<&'a [u8]> {
        let found = BOOT_INFORMATION.iter().zip(self.areas).find(|(at, _)| at.contains(&address));
        let (at, area) = found?;
        area.get((address - at.start) as usize..)
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
