//! A split virtqueue whose buffers are each one descriptor, or two (virtio 1.2, 2.7).
//!
//! The device is not trusted: what it wrote is read once, checked, and never followed. `EVENT_IDX` is
//! not negotiated: whether to notify is a flag, which has no arithmetic to go wrong where the
//! indexes wrap.

use core::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use ampoule_abi::layout::QUEUE_SIZE;

use super::super::memory::physical;

/// The buffer goes on in another descriptor (2.7.5).
const NEXT: u16 = 1;
/// The device writes to the buffer.
const WRITE: u16 = 2;
/// The driver wants no interrupts (2.7.6), the device no notifications (2.7.8).
const LEAVE_ALONE: u16 = 1;

const SIZE: usize = QUEUE_SIZE as usize;

/// Buffers that may have a second descriptor, which is that many after the first.
pub const PAIRS: usize = SIZE / 2;

/// What driver and device share, all zero before it is used. Atomic, since the device reads and
/// writes it too.
#[repr(C, align(16))]
pub struct Rings {
    descriptors: [Descriptor; SIZE],
    available_flags: AtomicU16,
    available_index: AtomicU16,
    available: [AtomicU16; SIZE],
    used_event: AtomicU16,
    padding: AtomicU16,
    used_flags: AtomicU16,
    used_index: AtomicU16,
    used: [Used; SIZE],
    available_event: AtomicU16,
}

#[repr(C)]
struct Descriptor {
    address: AtomicU64,
    bytes: AtomicU32,
    flags: AtomicU16,
    next: AtomicU16,
}

#[repr(C)]
struct Used {
    head: AtomicU32,
    bytes: AtomicU32,
}

// The image's note, in boot.s, has these numbers too.
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Rings, available_flags) == 128 && offset_of!(Rings, used_flags) == 152);
    assert!(size_of::<Rings>() == 224);
};

impl Rings {
    pub const fn new() -> Self {
        Self {
            descriptors: [const {
                Descriptor {
                    address: AtomicU64::new(0),
                    bytes: AtomicU32::new(0),
                    flags: AtomicU16::new(0),
                    next: AtomicU16::new(0),
                }
            }; SIZE],
            available_flags: AtomicU16::new(0),
            available_index: AtomicU16::new(0),
            available: [const { AtomicU16::new(0) }; SIZE],
            used_event: AtomicU16::new(0),
            padding: AtomicU16::new(0),
            used_flags: AtomicU16::new(0),
            used_index: AtomicU16::new(0),
            used: [const { Used { head: AtomicU32::new(0), bytes: AtomicU32::new(0) } }; SIZE],
            available_event: AtomicU16::new(0),
        }
    }

    /// Guest-physical addresses of the descriptors, the driver's area and the device's area.
    pub fn addresses(&'static self) -> [u64; 3] {
        [
            (&raw const self.descriptors).expose_provenance(),
            (&raw const self.available_flags).expose_provenance(),
            (&raw const self.used_flags).expose_provenance(),
        ]
        .map(|address| physical(address as u64))
    }
}

/// The driver's side of a queue: of each buffer, where it is and who has it.
pub struct Queue {
    rings: &'static Rings,
    offered: u16,
    taken: u16,
    with_device: [bool; SIZE],
}

/// A buffer that the device gave back.
pub struct Returned {
    /// Which.
    pub buffer: usize,
    /// Bytes that the device says it wrote; not checked.
    pub bytes: usize,
}

impl Queue {
    /// A queue over rings that nothing else uses, without interrupts.
    pub fn new(rings: &'static Rings) -> Self {
        rings.available_flags.store(LEAVE_ALONE, Ordering::Relaxed);
        Self { rings, offered: 0, taken: 0, with_device: [false; SIZE] }
    }

    /// Gives the device a buffer to read, or to write to if it is `writable`. It is the caller's
    /// not to touch the memory until the buffer was returned.
    pub fn offer(&mut self, buffer: usize, memory: &[u8], writable: bool) {
        self.describe(buffer, memory, if writable { WRITE } else { 0 });
        self.make_available(buffer);
    }

    /// As [`offer`](Self::offer), a buffer to read, one of the first [`PAIRS`], that goes on at
    /// `rest`.
    pub fn offer_pair(&mut self, buffer: usize, memory: &[u8], rest: &[u8]) {
        let second = buffer + PAIRS;
        self.describe(second, rest, 0);
        self.describe(buffer, memory, NEXT);
        self.rings.descriptors[buffer].next.store(second as u16, Ordering::Relaxed);
        self.make_available(buffer);
    }

    fn describe(&self, index: usize, memory: &[u8], flags: u16) {
        let descriptor = &self.rings.descriptors[index];
        let address = physical(memory.as_ptr().expose_provenance() as u64);
        descriptor.address.store(address, Ordering::Relaxed);
        descriptor.bytes.store(memory.len() as u32, Ordering::Relaxed);
        descriptor.flags.store(flags, Ordering::Relaxed);
    }

    fn make_available(&mut self, buffer: usize) {
        self.with_device[buffer] = true;
        let slot = usize::from(self.offered % QUEUE_SIZE);
        self.rings.available[slot].store(buffer as u16, Ordering::Relaxed);
        self.offered = self.offered.wrapping_add(1);
        // Whoever sees the index sees the descriptors (2.7.13.3).
        self.rings.available_index.store(self.offered, Ordering::Release);
    }

    /// Whether the device is to be told of what was offered.
    pub fn wants_notification(&self) -> bool {
        // Between our index and its flag (2.7.13.4.1), pairing with the device's fence between
        // its flag and our index: one of the two sees what the other wrote.
        fence(Ordering::SeqCst);
        self.rings.used_flags.load(Ordering::Relaxed) & LEAVE_ALONE == 0
    }

    /// Whether the device is to raise an interrupt when it returns a buffer.
    pub fn ask_for_interrupts(&self, asked: bool) {
        let flags = if asked { 0 } else { LEAVE_ALONE };
        self.rings.available_flags.store(flags, Ordering::Relaxed);
        // Pairs with the device's fence between writing its index and reading our flag
        // (2.7.7.2): either it sees the flag or we see the index.
        fence(Ordering::SeqCst);
    }

    /// Whether a buffer was returned.
    pub fn has_returned(&self) -> bool {
        self.rings.used_index.load(Ordering::Acquire) != self.taken
    }

    /// A buffer that the device has done with; an error if it never had it.
    pub fn take(&mut self) -> Result<Option<Returned>, NotOffered> {
        if !self.has_returned() {
            return Ok(None);
        }
        let used = &self.rings.used[usize::from(self.taken % QUEUE_SIZE)];
        let buffer = used.head.load(Ordering::Relaxed) as usize;
        let bytes = used.bytes.load(Ordering::Relaxed) as usize;
        self.taken = self.taken.wrapping_add(1);
        match self.with_device.get_mut(buffer).map(core::mem::take) {
            Some(true) => Ok(Some(Returned { buffer, bytes })),
            _ => Err(NotOffered),
        }
    }
}

/// The device returned a buffer that it did not have.
pub struct NotOffered;
