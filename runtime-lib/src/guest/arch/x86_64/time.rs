//! The time stamp counter, and the local APIC's timer to measure it by.

use ampoule_abi::layout::DEVICE_PAGES;

const LOCAL_APIC: u64 = DEVICE_PAGES[2].window;

// Intel SDM 3A, 12.5.4.
const TIMER_VECTOR: u64 = 0x320;
const INITIAL_COUNT: u64 = 0x380;
const CURRENT_COUNT: u64 = 0x390;
const DIVIDE: u64 = 0x3e0;
const MASKED: u32 = 1 << 16;
const BY_ONE: u32 = 0b1011;

/// Time between two looks at what tells nobody that it has changed.
const PAUSE_NS: u32 = 10_000_000;

/// The time stamp counter.
pub fn time_stamp() -> u64 {
    // SAFETY: every x86-64 has the instruction and CR4.TSD is clear.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Starts the timer, which then counts up from 0 at 1 GHz for 4 s: the frequency that both QEMU
/// (`hw/intc/apic.c`) and KVM (`APIC_BUS_FREQUENCY`) give it.
pub fn lapic_timer_start() {
    super::write_register(LOCAL_APIC + TIMER_VECTOR, MASKED);
    super::write_register(LOCAL_APIC + DIVIDE, BY_ONE);
    super::write_register(LOCAL_APIC + INITIAL_COUNT, u32::MAX);
}

/// Nanoseconds since [`lapic_timer_start`].
pub fn lapic_timer_ns() -> u32 {
    u32::MAX - super::read_register(LOCAL_APIC + CURRENT_COUNT)
}

/// Sleeps for 10 ms, or until a routed line is raised; one must have been routed, which turns
/// the APIC on. [`lapic_timer_start`] does not count through it.
pub fn pause() {
    super::write_register(LOCAL_APIC + TIMER_VECTOR, super::interrupt::VECTOR);
    super::write_register(LOCAL_APIC + DIVIDE, BY_ONE);
    super::write_register(LOCAL_APIC + INITIAL_COUNT, PAUSE_NS);
    super::wait_for_interrupt();
}
