//! Using up what a call is given.

use alloc::vec::Vec;
use core::hint::black_box;

use ampoule::Result;
use ampoule::entry::Status;

/// Recurses without end.
pub fn stack() -> Result<Status> {
    Ok(Status(deeper(0) as u8))
}

#[allow(unconditional_recursion, reason = "the purpose")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 32]);
    // What is done after the call keeps it from becoming a jump.
    deeper(depth + 1) + black_box(frame)[0]
}

/// Allocates without end, and uses what it gets.
#[cfg(ampoule_guest)]
pub fn memory() -> Result<Status> {
    const PIECE_BYTES: usize = 64 << 10;
    let mut pieces = Vec::new();
    loop {
        let mut piece = Vec::<u8>::with_capacity(PIECE_BYTES);
        piece.resize(PIECE_BYTES, 0xa5);
        pieces.push(black_box(piece));
    }
}

/// Asks for more than any host has, so that trying it there leaves the others their memory.
#[cfg(not(ampoule_guest))]
pub fn memory() -> Result<Status> {
    drop(black_box(Vec::<u8>::with_capacity(isize::MAX as usize)));
    Ok(Status(0))
}

/// Computes without end.
pub fn time() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
