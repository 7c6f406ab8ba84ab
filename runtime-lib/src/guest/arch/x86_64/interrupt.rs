//! Waking from a wait: one interrupt, routed from a device's line to vector 32, where `trap.s`
//! acknowledges it and does no more.

use ampoule_abi::layout::DEVICE_PAGES;

/// The one vector that wakes.
pub const VECTOR: u32 = 32;
const IO_APIC: u64 = DEVICE_PAGES[1].window;
const LOCAL_APIC: u64 = DEVICE_PAGES[2].window;

/// Index of the redirection entry of the first interrupt line (82093AA datasheet, 3.2.4).
const REDIRECTION: u32 = 0x10;

/// Spurious interrupt vector register: software enable, vector 255 (Intel SDM 3A, 12.9).
const SPURIOUS: u64 = 0xf0;
const ENABLED: u32 = 0x1ff;

/// Local vector table entry of LINT0, on which a PC's first interrupt controller would be heard.
const LINT0: u64 = 0x350;
const MASKED: u32 = 1 << 16;

/// A device's interrupt line, an input of the I/O APIC; routed when first waited for, since most
/// calls find their input there.
#[derive(Debug)]
pub struct InterruptLine {
    line: u32,
    routed: bool,
}

impl InterruptLine {
    /// The line with this number.
    pub fn new(line: u32) -> Self {
        Self { line, routed: false }
    }

    /// Routes the line, edge-triggered, to this processor.
    pub fn route(&mut self) {
        if core::mem::replace(&mut self.routed, true) {
            return;
        }
        super::write_register(LOCAL_APIC + LINT0, MASKED);
        super::write_register(LOCAL_APIC + SPURIOUS, ENABLED);
        let entry = REDIRECTION + 2 * self.line;
        for (index, value) in [(entry + 1, 0), (entry, VECTOR)] {
            super::write_register(IO_APIC, index);
            super::write_register(IO_APIC + 0x10, value);
        }
    }
}

/// Sleeps until a routed line has been raised since the last wait; returns at once if it has.
/// Interrupts are off otherwise, so none is lost between looking and sleeping.
pub fn wait_for_interrupt() {
    unsafe extern "C" {
        #[link_name = "wait_for_interrupt"]
        fn in_assembly();
    }
    // SAFETY: it traps into ring 0, which waits and returns with every register as it was.
    unsafe { in_assembly() }
}
