//! The heap: all memory that the image leaves.
//!
//! What shares a large page with the image's end is mapped since the image was sealed. The rest is
//! mapped here, in large pages, into directories that no processor has walked yet, so that writing
//! them costs nothing where a hypervisor shadows page tables. Then they are locked: no page table
//! can be written from ring 3 while the function runs.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use ampoule_abi::layout::{HEAP_WINDOW, LARGE_PAGE_BYTES, MAX_MEMORY_BYTES};
use talc::TalcCell;
use talc::source::Manual;

use super::arch;

/// Large page: present, writable, user, accessed, dirty, no-execute (Intel SDM 3A, 5.5.4).
const HEAP_PAGE: u64 = 1 << 63 | 0b1110_0111;

/// Bytes of the allocation that failed last, for the panic that follows it.
static REFUSED_BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: Heap = Heap(TalcCell::new(Manual));

struct Heap(TalcCell<Manual>);

// SAFETY: there is one thread.
unsafe impl Sync for Heap {}

// SAFETY: the allocator of `talc`, with a note of what it refused.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the trait's contract.
        noted(unsafe { self.0.alloc(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the trait's contract.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps to the trait's contract.
        noted(unsafe { self.0.realloc(pointer, layout, bytes) }, bytes)
    }
}

fn noted(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        REFUSED_BYTES.store(bytes, Ordering::Relaxed);
    }
    pointer
}

/// Bytes of the last allocation that there was no room for, 0 if there was none.
pub fn refused_bytes() -> usize {
    REFUSED_BYTES.load(Ordering::Relaxed)
}

unsafe extern "C" {
    static __image_end: u8;
    static __mapped_end: u8;
    static __stack_bottom: u8;
    static __stack_top: u8;
    static __code_start: u8;
    static __code_end: u8;
    static __frameless_start: u8;
    static __frameless_end: u8;
    static mut __heap_directories: [u64; (MAX_MEMORY_BYTES / LARGE_PAGE_BYTES) as usize];
}

/// Addresses of the stack.
pub fn stack() -> Range<u64> {
    address(&raw const __stack_bottom)..address(&raw const __stack_top)
}

/// Addresses of the code.
pub fn code() -> Range<u64> {
    address(&raw const __code_start)..address(&raw const __code_end)
}

/// Addresses of the code that keeps no frame pointers: the memory functions.
pub fn frameless_code() -> Range<u64> {
    address(&raw const __frameless_start)..address(&raw const __frameless_end)
}

/// End of the image, guest-physical and virtual.
pub fn image_end() -> u64 {
    address(&raw const __image_end)
}

/// Guest-physical address of memory that the program knows by `address`.
pub fn physical(address: u64) -> u64 {
    if address >= HEAP_WINDOW { address - HEAP_WINDOW } else { address }
}

fn address(symbol: *const u8) -> u64 {
    symbol.expose_provenance() as u64
}

/// Makes a heap of all memory up to `memory_end`, guest-physical.
///
/// # Safety
///
/// Called once, before anything is allocated, with the end of RAM that has nothing else in it.
pub unsafe fn claim(memory_end: u64) {
    let mapped_end = address(&raw const __mapped_end);
    let large_pages =
        mapped_end / LARGE_PAGE_BYTES..memory_end.min(MAX_MEMORY_BYTES) / LARGE_PAGE_BYTES;
    for page in large_pages.clone() {
        let entry = (&raw mut __heap_directories).cast::<u64>().wrapping_add(page as usize);
        // SAFETY: the page lies below MAX_MEMORY_BYTES, so its entry is in the directories, which
        // nothing else uses and whose addresses nothing has accessed.
        unsafe { entry.write((page * LARGE_PAGE_BYTES) | HEAP_PAGE) };
    }
    arch::lock_heap_directories();
    let window = HEAP_WINDOW + large_pages.start * LARGE_PAGE_BYTES
        ..HEAP_WINDOW + large_pages.end * LARGE_PAGE_BYTES;
    for range in [image_end()..mapped_end.min(memory_end), window] {
        if !range.is_empty() {
            let start = core::ptr::with_exposed_provenance_mut(range.start as usize);
            // SAFETY: it is mapped, writable RAM that nothing else uses. A range too small to be a
            // heap is refused by the allocator and stays unused.
            unsafe { HEAP.0.claim(start, (range.end - range.start) as usize) };
        }
    }
}
