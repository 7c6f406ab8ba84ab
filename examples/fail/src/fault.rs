//! Exceptions of the processor, raised on purpose.
//!
//! All of it is assembly: what the compiler may assume of Rust code rules these accesses out, and it
//! would remove them or put checks before them.

use alloc::vec;
use core::arch::asm;

use ampoule::{Error, Result};

use ampoule::entry::Status;

/// `ret`: harmless where it may be executed.
const RETURN: u8 = 0xc3;

/// Bytes that are data, next to code that is not.
static DATA: [u8; 16] = [RETURN; 16];

/// An address that nothing is mapped at: canonical, and far from where images and programs lie.
const WILD: usize = 0x1234_5678_9000;

/// Reads the first byte of memory.
pub fn read_null() -> Result<Status> {
    read(core::ptr::null());
    survived("a read through a null pointer")
}

/// Writes where there is no memory.
pub fn write_wild() -> Result<Status> {
    write(core::ptr::without_provenance_mut(WILD));
    survived("a write to an unmapped address")
}

/// Overwrites the first instruction of a function.
pub fn write_code() -> Result<Status> {
    let code: fn() -> Result<Status> = write_code;
    write(code as *mut u8);
    survived("a write to code")
}

/// Jumps into a constant.
pub fn execute_data() -> Result<Status> {
    execute(DATA.as_ptr());
    survived("executing a constant")
}

/// Jumps into memory from the heap.
pub fn execute_heap() -> Result<Status> {
    let heap = core::hint::black_box(vec![RETURN; 16]);
    execute(heap.as_ptr());
    survived("executing the heap")
}

/// Jumps into a local variable.
pub fn execute_stack() -> Result<Status> {
    let stack = core::hint::black_box([RETURN; 16]);
    execute(stack.as_ptr());
    survived("executing the stack")
}

/// Divides by zero with the processor's own instruction: in Rust it would panic.
pub fn divide_by_zero() -> Result<Status> {
    // SAFETY: the registers it writes are declared; the #DE it raises ends the call.
    unsafe {
        asm!("div {zero:e}", zero = in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _);
    }
    survived("a division by zero")
}

/// Executes the instruction that is defined to be undefined.
pub fn undefined_instruction() -> ! {
    // SAFETY: it touches nothing; the #UD it raises ends the call.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

fn read(address: *const u8) {
    // SAFETY: a load changes nothing; where it is not allowed it faults, which is the purpose.
    unsafe {
        asm!("mov {byte}, byte ptr [{address}]", byte = out(reg_byte) _, address = in(reg) address,
            options(nostack, readonly));
    }
}

fn write(address: *mut u8) {
    // SAFETY: the callers' addresses are not writable: it faults before anything changes. Should a
    // platform allow it, the next thing done is to report that and to end.
    unsafe {
        asm!("mov byte ptr [{address}], {byte}", byte = in(reg_byte) RETURN, address = in(reg) address,
            options(nostack));
    }
}

fn execute(address: *const u8) {
    // SAFETY: there is a `ret` at the address, so that even where data can be executed it only comes
    // back; the call's clobbers are declared.
    unsafe {
        asm!("call {address}", address = in(reg) address, clobber_abi("C"));
    }
}

fn survived(what: &str) -> Result<Status> {
    Err(Error::msg(format_args!("{what} went unnoticed")))
}
