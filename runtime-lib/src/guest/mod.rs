//! The platform when a function is an image: bare virtual hardware.
//!
//! ```text
//! arch::boot.s -> start -> boot_info -> memory, virtio -> stream -> the function
//!                                      fault, panic    -> stream (Exit) -> wait for the end
//! ```
//!
//! One processor, one thread, no interrupt handler that touches anything: what is shared here is
//! shared between the function, the runtime under it and the one report of a panic or fault, after
//! which nothing of the function runs again.

mod arch;
mod backtrace;
mod boot_info;
mod clock;
mod fault;
mod incoming;
mod memory;
mod panic;
mod raw;
mod serial;
mod single;
mod start;
mod stream;
mod virtio;

pub(crate) use clock::{monotonic, wall_clock};
pub(crate) use stream::{Stdin, write};

use ampoule_abi::exit::Reason;
use chacha20::ChaCha20Rng;
use core::num::NonZeroU32;

pub(crate) fn arguments() -> impl Iterator<Item = &'static [u8]> + Clone {
    start::message().arguments()
}

pub(crate) fn variables() -> impl Iterator<Item = (&'static [u8], &'static [u8])> + Clone {
    start::message().variables()
}

pub(crate) fn exit(status: u8) -> ! {
    stream::exit(Reason::Returned, status, "", &[])
}

pub(crate) fn with_generator<T>(use_it: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
    static GENERATOR: single::Single<Option<ChaCha20Rng>> = single::Single::new(None);
    GENERATOR.with(|generator| {
        use_it(generator.get_or_insert_with(|| crate::random::seeded(start::message().randomness)))
    })
}

/// Randomness for the crate `getrandom`, versions 0.3 and 0.4, whose backend `build-fn` sets to
/// `custom`; its `Result<(), Error>` is a number, 0 for success.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    bytes: *mut u8,
    length: usize,
) -> Result<(), NonZeroU32> {
    // SAFETY: the crate passes a buffer of that length that may be written.
    unsafe { bytes.write_bytes(0, length) };
    // SAFETY: as above, and it is initialised now.
    let buffer = unsafe { core::slice::from_raw_parts_mut(bytes, length) };
    crate::random::fill(buffer);
    Ok(())
}
