//! The heap, which is all memory that the image leaves, and where the VMM has left what it tells.
//!
//! All of it is mapped since the image was sealed: what shares a large page with the image's end
//! where it lies, the rest through [`HEAP_WINDOW`]. None of it is touched before it is needed; many
//! functions need none.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ampoule_abi::layout::{
    BOOT_INFORMATION, HEAP_WINDOW, LARGE_PAGE_BYTES, MAX_MEMORY_BYTES, boot_information_window,
};
use talc::TalcCell;
use talc::base::{Talc, binning::Binning};
use talc::source::Source;

/// Bytes of the allocation that failed last, for the panic that follows it.
static REFUSED_BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: Heap = Heap(TalcCell::new(Ram { claimed: 0 }));

struct Heap(TalcCell<Ram>);

/// End of RAM, guest-physical; 0 as long as it is not known.
static MEMORY_END: AtomicU64 = AtomicU64::new(0);

/// The machine's memory, of which the heap gets one range after the other.
#[derive(Debug)]
struct Ram {
    claimed: usize,
}

// SAFETY: each range is claimed once, and `claim` is called on the allocator that asks.
unsafe impl Source for Ram {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, _: Layout) -> Result<(), ()> {
        let range = heap_ranges().into_iter().nth(talc.source.claimed).ok_or(())?;
        talc.source.claimed += 1;
        if !range.is_empty() {
            let start = core::ptr::with_exposed_provenance_mut(range.start as usize);
            // SAFETY: it is mapped, writable RAM that nothing else uses. A range too small to be a
            // heap is refused by the allocator and stays unused.
            unsafe { talc.claim(start, (range.end - range.start) as usize) };
        }
        Ok(())
    }
}

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
    static __function_note: u8;
    static __function_note_end: u8;
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

/// The function's note (SPEC C7.3), as it is in the image.
pub fn function_note() -> &'static [u8] {
    let start = &raw const __function_note;
    let length = address(&raw const __function_note_end) - address(start);
    // SAFETY: the linker script places both around the note, in data that nothing writes.
    unsafe { core::slice::from_raw_parts(start, length as usize) }
}

/// Whether a device may read `bytes` where they lie (SPEC C8.8): on the stack, in zeroed data or in
/// the heap, into which nothing of the image's file goes.
pub fn is_for_devices(bytes: &[u8]) -> bool {
    let Range { start, end } = bytes.as_ptr_range();
    let (start, end) = (start.addr() as u64, end.addr() as u64);
    // Zeroed data lies between the stack and the code.
    start >= image_end() || (start >= stack().start && end <= code().start)
}

/// Where a VMM leaves what it tells of the machine.
pub fn boot_information() -> [&'static [u8]; BOOT_INFORMATION.len()] {
    BOOT_INFORMATION.map(|range| {
        let window = boot_information_window(range.start);
        let start = core::ptr::with_exposed_provenance::<u8>(window as usize);
        let length = (range.end - range.start) as usize;
        // SAFETY: all of it is mapped for reading since the image was sealed, any byte there is
        // initialised, and nothing writes to it.
        unsafe { core::slice::from_raw_parts(start, length) }
    })
}

/// Guest-physical address of memory that the program knows by `address`.
pub fn physical(address: u64) -> u64 {
    if address >= HEAP_WINDOW { address - HEAP_WINDOW } else { address }
}

fn address(symbol: *const u8) -> u64 {
    symbol.expose_provenance() as u64
}

/// Makes a heap of all memory up to `end`, guest-physical.
///
/// # Safety
///
/// It is the end of RAM that has nothing else in it.
pub unsafe fn give(end: u64) {
    MEMORY_END.store(end, Ordering::Relaxed);
}

/// What of memory is heap, as addresses of the program's.
fn heap_ranges() -> [Range<u64>; 2] {
    let end = MEMORY_END.load(Ordering::Relaxed).min(MAX_MEMORY_BYTES);
    let mapped_end = address(&raw const __mapped_end);
    let whole = end - end % LARGE_PAGE_BYTES;
    [image_end()..mapped_end.min(end), HEAP_WINDOW + mapped_end..HEAP_WINDOW + whole]
}
