//! The calls that led somewhere, by the chain of frame pointers; the launcher puts names to them.

use core::ops::Range;

use ampoule_abi::exit::MAX_BACKTRACE;

use super::arch::Exception;
use super::memory;

/// Addresses inside instructions, innermost first.
pub struct Backtrace {
    addresses: [u64; MAX_BACKTRACE],
    length: usize,
}

impl Backtrace {
    /// The calls that led to the frame that `frame` points to.
    pub fn from_frame(frame: u64) -> Self {
        let mut backtrace = Self { addresses: [0; _], length: 0 };
        backtrace.push_calls(frame, &memory::stack());
        backtrace
    }

    /// The instruction that faulted and the calls that led to it.
    pub fn of_fault(exception: &Exception) -> Self {
        let mut backtrace = Self { addresses: [0; _], length: 0 };
        backtrace.push(exception.instruction);
        // An overflow leaves the stack pointer below the stack, where nothing can be read.
        let stack = memory::stack();
        let readable = stack.start.max(exception.stack)..stack.end;
        if memory::frameless_code().contains(&exception.instruction)
            && let Some([address, _]) = read_two(exception.stack, &readable)
        {
            backtrace.push_call(address);
        }
        backtrace.push_calls(exception.frame, &readable);
        backtrace
    }

    /// The addresses.
    pub fn as_slice(&self) -> &[u64] {
        &self.addresses[..self.length]
    }

    fn push_calls(&mut self, mut frame: u64, readable: &Range<u64>) {
        while let Some([caller, address]) = read_two(frame, readable) {
            // Frames lie ever higher: a chain that does not is corrupt.
            if !self.push_call(address) || caller <= frame {
                break;
            }
            frame = caller;
        }
    }

    /// Adds the call that returns to `address`, which it lies before; whether there is such a call.
    fn push_call(&mut self, address: u64) -> bool {
        memory::code().contains(&address) && self.push(address - 1)
    }

    fn push(&mut self, address: u64) -> bool {
        match self.addresses.get_mut(self.length) {
            Some(place) => *place = address,
            None => return false,
        }
        self.length += 1;
        true
    }
}

fn read_two(words: u64, readable: &Range<u64>) -> Option<[u64; 2]> {
    let inside = readable.contains(&words) && words.checked_add(16)? <= readable.end;
    if !inside || !words.is_multiple_of(8) {
        return None;
    }
    let words = core::ptr::with_exposed_provenance::<[u64; 2]>(words as usize);
    // SAFETY: both words lie on the stack, which is mapped, and any bits are integers.
    Some(unsafe { words.read_volatile() })
}
