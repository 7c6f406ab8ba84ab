//! Memory that the device sees.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

use super::super::memory::physical;

/// All of it, in bytes: two pages for each of four queues, and the buffers.
const POOL_BYTES: usize = 26 * PAGE_SIZE;

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[u8; POOL_BYTES]>);

// SAFETY: every byte is handed out once.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([0; POOL_BYTES]));
static TAKEN_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Hands out zeroed memory, for ever; its needs are known when the program is compiled.
pub fn take(bytes: usize) -> &'static mut [u8] {
    let start = TAKEN_BYTES.fetch_add(bytes, Ordering::Relaxed);
    assert!(start + bytes <= POOL_BYTES, "the pool has room for every queue and buffer");
    let first = POOL.0.get().cast::<u8>().wrapping_add(start);
    // SAFETY: the range lies inside the pool and is handed out this once.
    unsafe { core::slice::from_raw_parts_mut(first, bytes) }
}

/// Memory is where it seems to be, up to the window through which the heap is seen.
pub struct IdentityHal;

// SAFETY: memory from the pool is zeroed, unique, page-aligned, since queues are made first, and
// its guest-physical address is what the page tables make of it.
unsafe impl Hal for IdentityHal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let memory = NonNull::from(take(pages * PAGE_SIZE)).cast::<u8>();
        (physical(memory.as_ptr().expose_provenance() as u64), memory)
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("only devices on PCI ask for {address:#x}")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        physical(buffer.cast::<u8>().as_ptr().expose_provenance() as u64)
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
