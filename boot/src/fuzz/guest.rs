//! The guest's own sources, as far as they need no bare machine, compiled once more to be set
//! against the monitor's.
#![allow(dead_code, reason = "the guest uses more of them")]

#[path = "../../../runtime-lib/src/guest/boot_info.rs"]
pub(crate) mod boot_info;
#[path = "../../../runtime-lib/src/guest/incoming.rs"]
pub(crate) mod incoming;
#[path = "../../../runtime-lib/src/guest/virtio/queue.rs"]
pub(crate) mod queue;

/// What the guest's module of this name answers.
pub(crate) mod memory {
    use std::cell::Cell;

    thread_local! {
        static START: Cell<u64> = const { Cell::new(0) };
    }

    /// Says where the guest's memory begins in this process.
    pub(crate) fn begins_at(address: u64) {
        START.set(address);
    }

    /// Guest-physical address of memory that the guest knows by `address`.
    pub fn physical(address: u64) -> u64 {
        address.wrapping_sub(START.get())
    }
}
