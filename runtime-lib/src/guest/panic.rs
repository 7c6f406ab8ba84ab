//! Panics, and running out of memory, which is one.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use ampoule_abi::exit::{MAX_MESSAGE_BYTES, Reason};

use super::backtrace::Backtrace;
use super::{arch, memory, stream};

/// A message of bounded length, cut where it does not fit: memory may be what has run out.
pub struct Message {
    bytes: [u8; MAX_MESSAGE_BYTES],
    length: usize,
}

impl Message {
    pub fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut message = Self { bytes: [0; MAX_MESSAGE_BYTES], length: 0 };
        // A message that is cut has still been made.
        let _ = message.write_fmt(arguments);
        message
    }

    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // As bytes, since what a cut text would say about characters is 4 KiB of an image.
        let end = text.floor_char_boundary(MAX_MESSAGE_BYTES - self.length);
        let bytes = &text.as_bytes()[..end];
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
        Ok(())
    }
}

static PANICKING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let backtrace = Backtrace::from_frame(arch::frame_pointer());
    if PANICKING.swap(true, Ordering::Relaxed) {
        let why = "panicked while the message of a panic was made";
        stream::exit(Reason::Panicked, 1, why, backtrace.as_slice());
    }
    let message = Message::of(format_args!("{}", info.message()));
    let refused =
        Message::of(format_args!("memory allocation of {} bytes failed", memory::refused_bytes()));
    if message.as_str() == refused.as_str() {
        stream::exit(Reason::OutOfMemory, 1, message.as_str(), &[]);
    }
    let message = match info.location() {
        Some(location) => Message::of(format_args!("{}, at {location}", info.message())),
        None => message,
    };
    stream::exit(Reason::Panicked, 1, message.as_str(), backtrace.as_slice())
}
