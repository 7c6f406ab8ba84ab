//! Faults: what the processor refused, said so that a person can act on it.

use ampoule_abi::exit::Reason;
use ampoule_abi::layout::{IMAGE_BASE, PAGE_BYTES};

use super::arch::Exception;
use super::backtrace::Backtrace;
use super::panic::Message;
use super::{memory, stream};

const DIVIDE_ERROR: u64 = 0;
const BREAKPOINT: u64 = 3;
const INVALID_OPCODE: u64 = 6;
const GENERAL_PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;

// Error code of a page fault (Intel SDM 3A, 5.7).
const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const FETCH: u64 = 1 << 4;

/// Ends the call with what is known of an exception.
pub fn report(exception: Exception) -> ! {
    let message = describe(&exception);
    let backtrace = Backtrace::of_fault(&exception);
    stream::exit(Reason::Faulted, 1, message.as_str(), backtrace.as_slice())
}

fn describe(exception: &Exception) -> Message {
    let &Exception { vector, error_code, instruction, address, .. } = exception;
    let guard = IMAGE_BASE..IMAGE_BASE + PAGE_BYTES;
    match vector {
        PAGE_FAULT if guard.contains(&address) => {
            let stack = memory::stack();
            Message::of(format_args!(
                "stack overflow: all {} KiB are used; a larger `stack` under \
                 [package.metadata.fn] helps if it is not endless recursion",
                (stack.end - stack.start) / 1024
            ))
        }
        PAGE_FAULT => {
            let access = match error_code {
                code if code & FETCH != 0 => "execution",
                code if code & WRITE != 0 => "write",
                _ => "read",
            };
            let place = match address {
                0..PAGE_BYTES => " (a null pointer)",
                address if memory::code().contains(&address) => " (code)",
                _ if error_code & PRESENT == 0 => " (no memory there)",
                _ if error_code & FETCH != 0 => " (data)",
                _ => "",
            };
            Message::of(format_args!("page fault: {access} at {address:#x}{place}"))
        }
        DIVIDE_ERROR => Message::of(format_args!("divide error")),
        BREAKPOINT => Message::of(format_args!("breakpoint at {instruction:#x}")),
        INVALID_OPCODE => Message::of(format_args!("undefined instruction at {instruction:#x}")),
        GENERAL_PROTECTION => {
            Message::of(format_args!("general protection fault at {instruction:#x}"))
        }
        _ => Message::of(format_args!("exception {vector} at {instruction:#x}")),
    }
}
