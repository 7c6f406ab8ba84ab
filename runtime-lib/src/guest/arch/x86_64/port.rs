//! I/O ports, of which ring 3 may use those that the task state names (`trap.s`), and ends of a
//! machine that are told through them.

use core::arch::asm;

/// A port that ring 3 may use: one of a device's that takes any value.
///
/// An access is an order between the program and the device, which may go on to memory that it was
/// given: to the compiler it may touch all memory, and so nothing is moved past it.
#[derive(Clone, Copy)]
pub struct Port(u16);

impl Port {
    /// The two ports of configuration space (PCI 3.0, 3.2.2.3.2).
    pub const CONFIGURATION_ADDRESS: Self = Self(0xcf8);
    /// Likewise.
    pub const CONFIGURATION_DATA: Self = Self(0xcfc);

    /// Control register of a PC's power management, where SeaBIOS puts it (ACPI 6.5, 4.8.4.2.1).
    const POWER_MANAGEMENT: Self = Self(0x604);

    const KEYBOARD_CONTROLLER: Self = Self(0x64);

    /// A register, 0 to 7, of a PC's first serial line.
    pub const fn serial(register: u16) -> Self {
        Self(0x3f8 + register % 8)
    }

    /// Writes a byte.
    pub fn write_8(self, value: u8) {
        // SAFETY: the device takes any value, and what it does to memory is as the type says.
        unsafe {
            asm!("out dx, al", in("dx") self.0, in("al") value, options(nostack, preserves_flags));
        }
    }

    /// Writes 16 bits.
    fn write_16(self, value: u16) {
        // SAFETY: as above.
        unsafe {
            asm!("out dx, ax", in("dx") self.0, in("ax") value, options(nostack, preserves_flags));
        }
    }

    /// Writes 32 bits.
    pub fn write_32(self, value: u32) {
        // SAFETY: as above.
        unsafe {
            asm!("out dx, eax", in("dx") self.0, in("eax") value, options(nostack, preserves_flags));
        }
    }

    /// Writes bytes one after the other, in as few ways out of the machine as can be.
    pub fn write_bytes(self, bytes: &[u8]) {
        // SAFETY: as above; the instruction reads as many bytes as there are.
        unsafe {
            asm!(
                "rep outsb",
                in("dx") self.0,
                inout("rsi") bytes.as_ptr() => _,
                inout("rcx") bytes.len() => _,
                options(nostack, preserves_flags)
            );
        }
    }

    /// Reads a byte.
    pub fn read_8(self) -> u8 {
        let value;
        // SAFETY: the device can be read at any time, and what it does to memory is as the type says.
        unsafe {
            asm!("in al, dx", in("dx") self.0, out("al") value, options(nostack, preserves_flags));
        }
        value
    }

    /// Reads 32 bits.
    pub fn read_32(self) -> u32 {
        let value;
        // SAFETY: as above.
        unsafe {
            asm!("in eax, dx", in("dx") self.0, out("eax") value, options(nostack, preserves_flags));
        }
        value
    }
}

/// The state of power off, which is 0 under QEMU, with the bit that enters it.
const POWER_OFF: u16 = 1 << 13;

/// The command to reset the processor, which other monitors take for the end.
const RESET: u8 = 0xfe;

unsafe extern "C" {
    fn shut_down_quietly() -> !;
}

/// Ends a virtual machine that nobody else will destroy: by the first of three ways that it has.
pub fn power_off() -> ! {
    Port::POWER_MANAGEMENT.write_16(POWER_OFF);
    Port::KEYBOARD_CONTROLLER.write_8(RESET);
    // SAFETY: it takes nothing, never returns and touches no memory.
    unsafe { shut_down_quietly() }
}
