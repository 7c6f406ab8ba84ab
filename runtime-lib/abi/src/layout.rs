//! Memory of an image built by this project: guest-physical, and as the function sees it.
//!
//! ```text
//! 0x0000_0000    unmapped: the null page
//! 0x0000_1000    boot information left by the VMM, read-only
//! 0x000a_0000    the device pages, where a PC has its video memory
//! 0x000a_3000    boot information left by a PC's firmware in the null page, read-only
//! 0x000c_0000    boot information left by an option ROM, read-only
//! 0x0010_0000    IMAGE_BASE: one unmapped page that guards the stack, which grows down to it
//! 0x0010_1000    stack, zeroed data, code, constants, data, then the supervisor's pages
//!                heap, up to the next large page
//! 0x1_0000_0000  HEAP_WINDOW: guest-physical memory above that
//! ```
//!
//! All below the window is mapped where it lies, but for the device pages and the null page.

/// Smallest page the tables use, in bytes; segments of an image start on such a boundary.
pub const PAGE_BYTES: u64 = 4096;

/// Large page the tables use for the heap, in bytes; a guest's memory is a multiple of it.
pub const LARGE_PAGE_BYTES: u64 = 2 << 20;

/// Bytes that one page directory maps.
pub const DIRECTORY_BYTES: u64 = 1 << 30;

/// First guest-physical address of an image; its first page is left unmapped below the stack.
pub const IMAGE_BASE: u64 = 0x0010_0000;

/// Where guest-physical address 0 would be seen in the window through which the heap is reached.
pub const HEAP_WINDOW: u64 = 0x1_0000_0000;

/// Greatest guest-physical address at which an image may end.
pub const MAX_IMAGE_END: u64 = DIRECTORY_BYTES;

/// Smallest guest memory, in bytes.
pub const MIN_MEMORY_BYTES: u64 = 4 << 20;

/// Largest guest memory, in bytes: what a PC surely has below its device hole.
pub const MAX_MEMORY_BYTES: u64 = 2 << 30;

/// Guest-physical pages of devices and the virtual pages that show them: uncached, not executable.
///
/// The eight virtio-mmio register blocks of 512 bytes that QEMU's `microvm` has, the I/O APIC and
/// the local APIC (QEMU `include/hw/i386/microvm.h`, `ioapic.h`; Intel SDM 3A, 11.4.1).
pub const DEVICE_PAGES: [DevicePage; 3] = [
    DevicePage { physical: 0xfeb0_0000, window: 0x000a_0000 },
    DevicePage { physical: 0xfec0_0000, window: 0x000a_1000 },
    DevicePage { physical: 0xfee0_0000, window: 0x000a_2000 },
];

/// One of [`DEVICE_PAGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePage {
    /// Guest-physical address of the page.
    pub physical: u64,
    /// Virtual address of the page.
    pub window: u64,
}

/// Size of one virtio-mmio register block, in bytes.
pub const DEVICE_BLOCK_BYTES: u64 = 512;

/// Guest-physical ranges in which a VMM leaves boot information, mapped read-only where
/// [`boot_information_window`] says.
pub const BOOT_INFORMATION: [core::ops::Range<u64>; 3] =
    [PAGE_BYTES..0xa_0000, 0xc_0000..0x10_0000, 0..PAGE_BYTES];

/// Where one of [`BOOT_INFORMATION`] that begins at this address is seen: where it lies, but for the
/// null page, since null pointers are to fault. (QEMU's `pc` leaves its memory map there.)
pub const fn boot_information_window(start: u64) -> u64 {
    if start == 0 { 0xa_3000 } else { start }
}

/// Supervisor's own page: descriptor tables, task state, ring 0 stack.
pub const SYSTEM_SECTION: &str = ".ampoule.system";

/// Room for page tables, filled in when the image is sealed: the page directory of the first GiB,
/// the directories of [`HEAP_WINDOW`], then one page table for each large page up to some boundary
/// above the end of the image; what lies between the two is heap.
pub const PAGE_TABLES_SECTION: &str = ".ampoule.page_tables";

/// Word of the kernel command line that gives the console's register block, as
/// `virtio_mmio.device=<size>@<address>:<interrupt>` (Linux `kernel-parameters.txt`).
pub const DEVICE_PARAMETER: &str = "virtio_mmio.device=";

/// Word of the kernel command line that says that the console is driven already: the launcher took
/// the queues from the image's note and did the driver's part of setting them up.
pub const DRIVEN_PARAMETER: &str = "ampoule.console=driven";

/// Buffers of each of the console's queues.
pub const QUEUE_SIZE: u16 = 8;
