//! The page tables that an image carries, computed from its segments.
//!
//! Laid out when the image is sealed, so that the guest need not: a loop that fills them in ring 0
//! takes milliseconds where ring 0 is emulated. All "accessed" and "dirty" bits are set beforehand,
//! so that the processor does not write the tables either.
//!
//! ```text
//! directory[i] -> table i: the image, where it lies
//! heap directories[i]: large page i of guest-physical memory, unless the image is in it
//! ```
//!
//! What lies above has a few entries that the runtime makes. No table can be written from ring 3.

use std::ops::Range;

use ampoule_abi::layout::{
    BOOT_INFORMATION, DEVICE_PAGES, DIRECTORY_BYTES, IMAGE_BASE, LARGE_PAGE_BYTES, MAX_IMAGE_END,
    MAX_MEMORY_BYTES, PAGE_BYTES, PAGE_TABLES_SECTION, boot_information_window,
};

use super::elf::Segment;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;

/// What the heap may be used for.
const HEAP_PAGE: u64 = PRESENT | WRITABLE | USER | ACCESSED | DIRTY | NO_EXECUTE;

/// An entry that points to another table restricts nothing: the last level decides.
const TABLE: u64 = PRESENT | WRITABLE | USER | ACCESSED;

/// Below it lies the page that guards the stack.
const LEAST_ADDRESS: u64 = IMAGE_BASE + PAGE_BYTES;

const ENTRIES: usize = 512;
const ENTRY_BYTES: usize = 8;

/// Directories that show guest-physical memory in the heap's window.
const HEAP_DIRECTORIES: usize = (MAX_MEMORY_BYTES / DIRECTORY_BYTES) as usize;

/// The directories of the first GiB and of the heap come before the page tables.
const UPPER_TABLES: usize = 1 + HEAP_DIRECTORIES;

/// What of an image its page tables depend on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The loaded segments.
    pub segments: Vec<Segment>,
    /// Where ring 0's own page lies, whose segment nobody else may touch.
    pub system: u64,
    /// Where the tables themselves lie: there are as many as there is room for.
    pub tables: Range<u64>,
}

/// Why an image's page tables cannot be laid out. All of it is the linker script's to put right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageTablesError {
    /// A segment does not start on a page.
    #[error(
        "segment {0:#x?} does not start on a page; align it to {PAGE_BYTES} in the linker script"
    )]
    Unaligned(Range<u64>),
    /// A segment lies outside what the tables map.
    #[error(
        "segment {0:#x?} is not between {LEAST_ADDRESS:#x}, above the stack's guard page, and \
         {MAX_IMAGE_END:#x}; make the function's stack or static data smaller"
    )]
    OutOfRange(Range<u64>),
    /// Two segments share a page.
    #[error("two segments share the page {0:#x}; align both to {PAGE_BYTES} in the linker script")]
    SharedPage(u64),
    /// The tables have not the room or alignment that they need.
    #[error(
        "{PAGE_TABLES_SECTION} is at {found:#x?} but must be at least {bytes} bytes, in whole \
         pages; change it in the linker script"
    )]
    WrongRoom {
        /// Where it is.
        found: Range<u64>,
        /// How large it must be.
        bytes: u64,
    },
}

/// The end of an image in memory, up to a whole page.
pub fn image_end(segments: &[Segment]) -> u64 {
    let end = segments.iter().map(|segment| segment.memory.end).max().unwrap_or(IMAGE_BASE);
    end.next_multiple_of(PAGE_BYTES)
}

/// The bytes of [`PAGE_TABLES_SECTION`].
pub fn fill(plan: &Plan) -> Result<Vec<u8>, PageTablesError> {
    plan.check()?;
    let page_tables = plan.page_tables();
    let mut tables = Tables::new(plan.tables.start, UPPER_TABLES + page_tables);
    for index in 0..page_tables {
        tables.set(0, index, tables.address(UPPER_TABLES + index) | TABLE);
    }
    // Where the image is, the window would show it writable.
    for large_page in page_tables..HEAP_DIRECTORIES * ENTRIES {
        let address = large_page as u64 * LARGE_PAGE_BYTES;
        tables.set(1, large_page, address | HEAP_PAGE | LARGE);
    }
    for range in &BOOT_INFORMATION {
        let window = boot_information_window(range.start);
        for page in pages(range) {
            let flags = PRESENT | USER | ACCESSED | NO_EXECUTE;
            tables.set_page(window + (page - range.start), page | flags);
        }
    }
    for page in DEVICE_PAGES {
        let uncached = WRITE_THROUGH | CACHE_DISABLE;
        let flags = PRESENT | WRITABLE | USER | uncached | ACCESSED | DIRTY | NO_EXECUTE;
        tables.set_page(page.window, page.physical | flags);
    }
    for segment in &plan.segments {
        for page in pages(&segment.memory) {
            tables.set_page(page, page | plan.flags(segment));
        }
    }
    let heap = image_end(&plan.segments)..page_tables as u64 * LARGE_PAGE_BYTES;
    tables.map(&heap, HEAP_PAGE);
    Ok(tables.bytes)
}

fn pages(range: &Range<u64>) -> impl Iterator<Item = u64> {
    (range.start..range.end).step_by(PAGE_BYTES as usize)
}

impl Plan {
    fn page_tables(&self) -> usize {
        ((self.tables.end - self.tables.start) / PAGE_BYTES) as usize - UPPER_TABLES
    }

    fn flags(&self, segment: &Segment) -> u64 {
        let supervisor = segment.memory.contains(&self.system);
        let writable = if segment.writable { WRITABLE | DIRTY } else { 0 };
        let executable = if segment.executable { 0 } else { NO_EXECUTE };
        PRESENT | ACCESSED | writable | executable | if supervisor { 0 } else { USER }
    }

    fn check(&self) -> Result<(), PageTablesError> {
        let mut mapped_to = LEAST_ADDRESS;
        let mut segments: Vec<&Range<u64>> =
            self.segments.iter().map(|segment| &segment.memory).collect();
        segments.sort_by_key(|memory| memory.start);
        for memory in segments {
            if !memory.start.is_multiple_of(PAGE_BYTES) {
                return Err(PageTablesError::Unaligned(memory.clone()));
            }
            if memory.start < LEAST_ADDRESS || memory.end > MAX_IMAGE_END {
                return Err(PageTablesError::OutOfRange(memory.clone()));
            }
            if memory.start < mapped_to {
                return Err(PageTablesError::SharedPage(memory.start));
            }
            mapped_to = memory.end.next_multiple_of(PAGE_BYTES);
        }
        let page_tables = image_end(&self.segments).div_ceil(LARGE_PAGE_BYTES);
        let bytes = (UPPER_TABLES as u64 + page_tables) * PAGE_BYTES;
        let whole = |address: u64| address.is_multiple_of(PAGE_BYTES);
        let found = self.tables.clone();
        if whole(found.start) && whole(found.end) && found.end - found.start >= bytes {
            return Ok(());
        }
        Err(PageTablesError::WrongRoom { found, bytes })
    }
}

/// Tables that follow each other in memory.
struct Tables {
    address: u64,
    bytes: Vec<u8>,
}

impl Tables {
    fn new(address: u64, count: usize) -> Self {
        Self { address, bytes: vec![0; count * ENTRIES * ENTRY_BYTES] }
    }

    fn address(&self, table: usize) -> u64 {
        self.address + table as u64 * PAGE_BYTES
    }

    fn set(&mut self, table: usize, index: usize, entry: u64) {
        let at = (table * ENTRIES + index) * ENTRY_BYTES;
        self.bytes[at..at + ENTRY_BYTES].copy_from_slice(&entry.to_le_bytes());
    }

    fn set_page(&mut self, address: u64, entry: u64) {
        self.set(UPPER_TABLES, (address / PAGE_BYTES) as usize, entry);
    }

    fn map(&mut self, range: &Range<u64>, flags: u64) {
        for page in pages(range) {
            self.set_page(page, page | flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stack, code, data, supervisor's page with tables and roots.
    fn plan() -> Plan {
        let segment =
            |memory, writable, executable| Segment { memory, file: 0..0, writable, executable };
        Plan {
            segments: vec![
                segment(0x10_1000..0x10_3000, true, false),
                segment(0x10_3000..0x10_4800, false, true),
                segment(0x10_5000..0x10_9000, true, false),
                segment(0x10_9000..0x11_0000, true, false),
            ],
            system: 0x10_9000,
            tables: 0x10_a000..0x10_e000,
        }
    }

    fn entry(bytes: &[u8], table: usize, index: usize) -> u64 {
        let at = (table * ENTRIES + index) * ENTRY_BYTES;
        u64::from_le_bytes(bytes[at..at + ENTRY_BYTES].try_into().expect("eight bytes"))
    }

    /// Walks the directory and its table as a processor would.
    fn walk(plan: &Plan, bytes: &[u8], address: u64) -> u64 {
        let next = entry(bytes, 0, (address >> 21 & 511) as usize);
        assert_eq!(next & 0xfff, TABLE, "{address:#x} has a table");
        let number = (((next & !0xfff) - plan.tables.start) / PAGE_BYTES) as usize;
        entry(bytes, number, (address >> 12 & 511) as usize)
    }

    #[test]
    fn each_page_has_the_rights_of_its_segment_and_no_more() {
        let (plan, user) = (plan(), PRESENT | USER | ACCESSED);
        let bytes = fill(&plan).expect("a sound plan");
        let writable = user | WRITABLE | DIRTY | NO_EXECUTE;
        for (address, expected) in [
            (0, 0),
            (0x1000, 0x1000 | user | NO_EXECUTE),
            (0xa_0000, 0xfeb0_0000 | writable | WRITE_THROUGH | CACHE_DISABLE),
            (0xa_3000, user | NO_EXECUTE),
            (0xa_4000, 0),
            (0xf_f000, 0xf_f000 | user | NO_EXECUTE),
            (IMAGE_BASE, 0),
            (0x10_1000, 0x10_1000 | writable),
            (0x10_4000, 0x10_4000 | user),
            (0x10_5000, 0x10_5000 | writable),
            (0x10_9000, 0x10_9000 | writable & !USER),
            (0x10_f000, 0x10_f000 | writable & !USER),
            (0x11_0000, 0x11_0000 | writable),
            (0x1f_f000, 0x1f_f000 | writable),
        ] {
            let found = walk(&plan, &bytes, address);
            assert_eq!(found, expected, "{address:#x} has {found:#x}, not {expected:#x}");
        }
    }

    #[test]
    fn all_room_for_tables_is_used_and_the_rest_of_it_is_heap() {
        let mut plan = plan();
        plan.tables.end += PAGE_BYTES;
        let bytes = fill(&plan).expect("a sound plan");
        assert_eq!(walk(&plan, &bytes, 0x3f_f000), 0x3f_f000 | HEAP_PAGE);
        assert_eq!(entry(&bytes, 0, 2), 0);
    }

    #[test]
    fn the_window_shows_all_memory_but_the_image_s() {
        let bytes = fill(&plan()).expect("a sound plan");
        assert_eq!(entry(&bytes, 1, 0), 0);
        let large = |page: u64| (page * LARGE_PAGE_BYTES) | HEAP_PAGE | LARGE;
        assert_eq!(entry(&bytes, 1, 1), large(1));
        assert_eq!(entry(&bytes, 2, ENTRIES - 1), large(1023));
    }

    #[test]
    fn a_gap_between_segments_is_absent() {
        let mut plan = plan();
        plan.segments.remove(1);
        let bytes = fill(&plan).expect("a sound plan");
        assert_eq!(walk(&plan, &bytes, 0x10_3000), 0);
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let mut guard = plan();
        guard.segments[0].memory.start = IMAGE_BASE;
        assert!(matches!(fill(&guard), Err(PageTablesError::OutOfRange(_))));
        let mut shared = plan();
        shared.segments[1].memory.end = 0x10_5001;
        assert_eq!(fill(&shared), Err(PageTablesError::SharedPage(0x10_5000)));
        let mut odd = plan();
        odd.segments[1].memory.start += 8;
        assert!(matches!(fill(&odd), Err(PageTablesError::Unaligned(_))));
        let mut small = plan();
        small.segments[3].memory.end = 0x20_1000;
        assert!(matches!(fill(&small), Err(PageTablesError::WrongRoom { bytes: 0x5000, .. })));
    }
}
