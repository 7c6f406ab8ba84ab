//! Memory that the device sees: rings and buffers, all of it in the image's zeroed data, so that
//! it takes no memory until it is touched.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use ampoule_abi::frame::{DATA_BYTES, LONG_HEADER_BYTES, MAX_HEADER_BYTES};
use ampoule_abi::layout::PAGE_BYTES;

use super::queue::Rings;
use super::{receiver, sender};

/// A frame of data and its header, so that a function sees 64 KiB at a time in one piece.
const FRAME_BYTES: usize = (DATA_BYTES + MAX_HEADER_BYTES).next_multiple_of(PAGE_BYTES as usize);

/// The start of a buffer for what is received: so a long frame's payload begins with a cache line.
/// A launcher reads STDIN to there, and on some processors copies to anywhere else are several
/// times as slow.
const RECEIVE_AT: usize = CACHE_LINE_BYTES - LONG_HEADER_BYTES;

const CACHE_LINE_BYTES: usize = 64;

const _: () = assert!(RECEIVE_AT + LONG_HEADER_BYTES + DATA_BYTES <= FRAME_BYTES);

/// Room for any control message: eight bytes, and the name of a port.
const MESSAGE_BYTES: usize = 64;

/// The receive and the send queue of the stream. Their place is in the image's note, by which a
/// launcher hands the console over already driven.
#[unsafe(no_mangle)]
static AMPOULE_CONSOLE: ConsolePage = ConsolePage([const { Rings::new() }; 2]);

/// In one page: each that is touched for the first time costs a call.
#[repr(C, align(4096))]
pub struct ConsolePage(pub [Rings; 2]);

/// The rings of the stream.
pub static CONSOLE: &[Rings; 2] = &AMPOULE_CONSOLE.0;

/// The rings of the control queues.
pub static CONTROL: [Rings; 2] = [const { Rings::new() }; 2];

/// Buffers of a fixed size, handed out once.
#[repr(C, align(4096))]
struct Area<const BYTES: usize, const COUNT: usize>(UnsafeCell<[[u8; BYTES]; COUNT]>);

// SAFETY: the memory is handed out once.
unsafe impl<const BYTES: usize, const COUNT: usize> Sync for Area<BYTES, COUNT> {}

impl<const BYTES: usize, const COUNT: usize> Area<BYTES, COUNT> {
    const fn new() -> Self {
        Self(UnsafeCell::new([[0; BYTES]; COUNT]))
    }

    /// Hands the buffers out if they are there. Whether they are is told elsewhere, and by a value
    /// that is not zero at first: so it lies with other data, and costs no page of its own.
    #[expect(clippy::mut_from_ref, reason = "it is taken once, which is checked")]
    fn take(&'static self, is_there: &AtomicBool) -> [&'static mut [u8]; COUNT] {
        assert!(is_there.swap(false, Ordering::Relaxed), "buffers are taken once");
        // SAFETY: the flag says that this is the only reference.
        let memory = unsafe { &mut *self.0.get() };
        memory.each_mut().map(|buffer| buffer.as_mut_slice())
    }
}

/// Buffers for what is received.
pub fn receive() -> [&'static mut [u8]; receiver::BUFFERS] {
    static AREA: Area<FRAME_BYTES, { receiver::BUFFERS }> = Area::new();
    static IS_THERE: AtomicBool = AtomicBool::new(true);
    AREA.take(&IS_THERE).map(|buffer| &mut buffer[RECEIVE_AT..])
}

/// Buffers for what is sent.
pub fn send() -> [&'static mut [u8]; sender::BUFFERS] {
    static AREA: Area<FRAME_BYTES, { sender::BUFFERS }> = Area::new();
    static IS_THERE: AtomicBool = AtomicBool::new(true);
    AREA.take(&IS_THERE)
}

/// Buffers for control messages that are received.
pub fn control_receive() -> [&'static mut [u8]; receiver::BUFFERS] {
    static AREA: Area<MESSAGE_BYTES, { receiver::BUFFERS }> = Area::new();
    static IS_THERE: AtomicBool = AtomicBool::new(true);
    AREA.take(&IS_THERE)
}

/// Buffers for control messages that are sent.
pub fn control_send() -> [&'static mut [u8]; sender::BUFFERS] {
    static AREA: Area<MESSAGE_BYTES, { sender::BUFFERS }> = Area::new();
    static IS_THERE: AtomicBool = AtomicBool::new(true);
    AREA.take(&IS_THERE)
}
