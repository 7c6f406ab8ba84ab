//! The one device a function has: a virtio console over memory-mapped registers (virtio 1.2).
//!
//! Queues and registers are those of the crate `virtio-drivers`; how they are filled, drained and
//! waited for is here. `EVENT_IDX` is not negotiated: whether to notify is a flag, which has no
//! arithmetic to go wrong where the indexes wrap, and [`notify`] has the fence that the crate lacks.

mod console;
mod control;
mod dma;
mod receiver;
mod sender;

pub use console::Console;

use super::arch::{InterruptLine, wait_for_interrupt};
use core::sync::atomic::{Ordering, fence};
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::transport::mmio::MmioTransport;

/// Buffers that one queue has at most.
const QUEUE_SIZE: usize = 8;

type Queue = VirtQueue<dma::IdentityHal, QUEUE_SIZE>;
type Registers = MmioTransport<'static>;

fn queue(registers: &mut Registers, index: u16) -> Option<Queue> {
    VirtQueue::new(registers, index, false, false).ok()
}

/// Tells the device of buffers that were added, unless it is looking anyway.
fn notify(queue: &Queue, index: u16, registers: &mut Registers) {
    // Between our index and its flag (virtio 1.2, 2.7.13.4.1), pairing with the device's fence
    // between its flag and our index: one of the two sees what the other wrote.
    fence(Ordering::SeqCst);
    if queue.should_notify() {
        registers.notify(index);
    }
}

/// Sleeps until the device has used a buffer of `queue`.
///
/// Interrupts are asked for only here, and an earlier one is acknowledged before the last look, so
/// that the next raises the line again: it is edge-triggered.
fn wait(queue: &mut Queue, registers: &mut Registers, line: &mut InterruptLine) {
    line.route();
    queue.set_dev_notify(true);
    loop {
        registers.ack_interrupt();
        // Pairs with the device's fence between writing the used index and reading our flag
        // (virtio 1.2, 2.7.7.2): either it sees the flag or we see the index.
        fence(Ordering::SeqCst);
        if queue.can_pop() {
            break;
        }
        wait_for_interrupt();
    }
    queue.set_dev_notify(false);
}
