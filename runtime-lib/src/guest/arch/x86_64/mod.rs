//! x86-64: the assembly, and the little that Rust says to it. All Rust runs in ring 3.

mod interrupt;
mod port;
mod random;
mod time;

pub use interrupt::{InterruptLine, wait_for_interrupt};
pub use port::{Port, power_off};
pub use random::randomness;
pub use time::{lapic_timer_ns, lapic_timer_start, pause, time_stamp};

use core::arch::global_asm;

global_asm!(include_str!("boot.s"), options(att_syntax));
global_asm!(include_str!("trap.s"), options(att_syntax));
global_asm!(include_str!("memory.s"), options(att_syntax));

unsafe extern "C" {
    #[link_name = "abandon"]
    fn abandon_in_assembly() -> !;
}

/// Ends the virtual machine when there is nobody to tell why.
pub fn abandon() -> ! {
    // SAFETY: it takes nothing, never returns and touches no memory.
    unsafe { abandon_in_assembly() }
}

/// An exception that ring 0 handed over.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// Number of the exception (Intel SDM 3A, 7.15).
    pub vector: u64,
    /// Its error code, 0 where there is none.
    pub error_code: u64,
    /// Address of the instruction.
    pub instruction: u64,
    /// Address that was accessed; meaningful for a page fault.
    pub address: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Frame pointer.
    pub frame: u64,
}

/// Where `trap.s` enters ring 3 again, on a stack of its own.
#[unsafe(no_mangle)]
extern "C" fn ampoule_fault(
    vector: u64,
    error_code: u64,
    instruction: u64,
    address: u64,
    stack: u64,
    frame: u64,
) -> ! {
    let exception = Exception { vector, error_code, instruction, address, stack, frame };
    super::super::fault::report(exception)
}

/// Where `boot.s` enters ring 3, with the guest-physical address of the PVH start information.
#[unsafe(no_mangle)]
extern "C" fn ampoule_start(start_information: u64) -> ! {
    super::super::start::start(start_information)
}

/// The frame pointer of the caller.
#[inline(always)]
pub fn frame_pointer() -> u64 {
    let frame;
    // SAFETY: it reads one register.
    unsafe {
        core::arch::asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

/// Precompiled `core` and `alloc` name it although nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Likewise: where their cleanup would go on.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    abandon()
}

/// Writes a device register through one of the device windows.
pub fn write_register(address: u64, value: u32) {
    let register = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
    // SAFETY: the callers name registers inside DEVICE_PAGES, which the page tables map for this.
    unsafe { register.write_volatile(value) }
}

/// Reads a device register through one of the device windows.
fn read_register(address: u64) -> u32 {
    let register = core::ptr::with_exposed_provenance::<u32>(address as usize);
    // SAFETY: the callers name registers inside DEVICE_PAGES, which the page tables map for this.
    unsafe { register.read_volatile() }
}
