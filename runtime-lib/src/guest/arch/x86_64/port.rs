//! I/O ports, of which ring 3 may use those that the task state names (`trap.s`), and ends of a
//! machine that are told through them.

use core::arch::asm;

/// Writes a byte.
pub fn write_port_8(port: u16, value: u8) {
    // SAFETY: the callers name ports of devices that take any value, and no memory is touched.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) }
}

/// Writes 16 bits.
fn write_port_16(port: u16, value: u16) {
    // SAFETY: as above.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack)) }
}

/// Writes 32 bits.
pub fn write_port_32(port: u16, value: u32) {
    // SAFETY: as above.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack)) }
}

/// Writes bytes one after the other, in as few ways out of the machine as can be.
pub fn write_port_bytes(port: u16, bytes: &[u8]) {
    // SAFETY: the instruction reads as many bytes as there are.
    unsafe {
        asm!(
            "rep outsb",
            in("dx") port,
            inout("rsi") bytes.as_ptr() => _,
            inout("rcx") bytes.len() => _,
            options(readonly, nostack, preserves_flags)
        );
    }
}

/// Reads a byte.
pub fn read_port_8(port: u16) -> u8 {
    let value;
    // SAFETY: the callers name ports of devices whose reading changes no memory.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack)) }
    value
}

/// Reads 32 bits.
pub fn read_port_32(port: u16) -> u32 {
    let value;
    // SAFETY: as above.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack)) }
    value
}

/// Control register of a PC's power management, where SeaBIOS puts it (ACPI 6.5, 4.8.4.2.1), and
/// the state of power off, which is 0 under QEMU, with the bit that enters it.
const POWER_MANAGEMENT: u16 = 0x604;
const POWER_OFF: u16 = 1 << 13;

/// The keyboard controller's command to reset the processor, which other monitors take for the end.
const KEYBOARD_CONTROLLER: u16 = 0x64;
const RESET: u8 = 0xfe;

unsafe extern "C" {
    fn shut_down_quietly() -> !;
}

/// Ends a virtual machine that nobody else will destroy: by the first of three ways that it has.
pub fn power_off() -> ! {
    write_port_16(POWER_MANAGEMENT, POWER_OFF);
    write_port_8(KEYBOARD_CONTROLLER, RESET);
    // SAFETY: it takes nothing, never returns and touches no memory.
    unsafe { shut_down_quietly() }
}
