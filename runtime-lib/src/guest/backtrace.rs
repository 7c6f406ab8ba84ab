//! The calls that led somewhere, by the chain of frame pointers; the launcher puts names to them.

use core::ops::Range;

use ampoule_abi::exit::MAX_BACKTRACE;

use super::memory;

/// Addresses of the calls that led to the frame that `frame` points to, innermost first.
pub fn from(frame: u64) -> impl Iterator<Item = u64> {
    from_within(0, frame)
}

/// The call of a function that has no frame, whose return address `stack_pointer` points to.
pub fn caller(stack_pointer: u64) -> Option<u64> {
    let (address, _) = read_two(stack_pointer, &memory::stack())?;
    memory::code().contains(&address).then(|| address - 1)
}

/// Calls from `frame` on, for a stack whose pointer was `stack_pointer`: an overflow may have left
/// both below the stack, where nothing can be read.
pub fn from_within(stack_pointer: u64, frame: u64) -> impl Iterator<Item = u64> {
    let stack = memory::stack();
    let readable = stack.start.max(stack_pointer)..stack.end;
    let mut next = frame;
    core::iter::from_fn(move || {
        let (caller, address) = read_two(next, &readable)?;
        // Frames lie ever higher: a chain that does not is corrupt.
        next = if caller > next { caller } else { 0 };
        // The call lies before the address that it returns to.
        memory::code().contains(&address).then_some(address - 1)
    })
    .take(MAX_BACKTRACE)
}

fn read_two(words: u64, readable: &Range<u64>) -> Option<(u64, u64)> {
    let inside = readable.contains(&words) && words.checked_add(16)? <= readable.end;
    if !inside || !words.is_multiple_of(8) {
        return None;
    }
    let words = core::ptr::with_exposed_provenance::<[u64; 2]>(words as usize);
    // SAFETY: both words lie on the stack, which is mapped, and any bits are integers.
    let [first, second] = unsafe { words.read_volatile() };
    Some((first, second))
}
