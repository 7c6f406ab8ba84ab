//! The device itself: how it is told of buffers and waited for.
//!
//! A launcher that knows the image's queues from its note hands the device over already driven
//! (SPEC C8): nothing is negotiated then, and its registers are written for nothing but
//! notifications. Elsewhere it is set up by the steps of virtio 1.2, 3.1.1.

use core::ptr::NonNull;

use ampoule_abi::layout::{DEVICE_BLOCK_BYTES, QUEUE_SIZE};
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport};

use super::super::arch::{InterruptLine, wait_for_interrupt, write_register};
use super::super::boot_info::DeviceAddress;
use super::queue::{Queue, Rings};

const DRIVER: DeviceStatus = DeviceStatus::ACKNOWLEDGE.union(DeviceStatus::DRIVER);

const VERSION_1: u64 = 1 << 32;
const MULTIPORT: u64 = 1 << 1;

/// Register `QueueNotify` (4.2.2).
const QUEUE_NOTIFY: u64 = 0x50;

/// The console's registers.
pub enum Device {
    /// Driven already; their address.
    Driven(u64),
    /// Driven by this program.
    Registers(MmioTransport<'static>, InterruptLine),
}

impl Device {
    /// The device at `address`, ready for [`Device::negotiate`]; `None` if that is no console.
    pub fn at(address: DeviceAddress) -> Option<Self> {
        if address.is_driven {
            return Some(Self::Driven(address.registers));
        }
        let header = NonNull::new(core::ptr::with_exposed_provenance_mut(address.registers as _))?;
        // SAFETY: the page tables map the register block for this, and only this uses it.
        let registers = unsafe { MmioTransport::new(header, DEVICE_BLOCK_BYTES as usize) };
        let registers = registers.ok()?;
        let is_console = registers.device_type() == DeviceType::Console;
        is_console.then(|| Self::Registers(registers, InterruptLine::new(address.interrupt)))
    }

    /// Whether the device has several ports, or `None` if it is not one that this program can
    /// drive.
    pub fn negotiate(&mut self) -> Option<bool> {
        let Self::Registers(registers, _) = self else { return Some(false) };
        registers.set_status(DeviceStatus::empty());
        registers.set_status(DRIVER);
        let offered = registers.read_device_features();
        let accepted = offered & (VERSION_1 | MULTIPORT);
        registers.write_driver_features(accepted);
        registers.set_status(DRIVER | DeviceStatus::FEATURES_OK);
        let agreed = registers.get_status().contains(DeviceStatus::FEATURES_OK);
        (agreed && accepted & VERSION_1 != 0).then_some(accepted & MULTIPORT != 0)
    }

    /// Shows the device a queue; `None` if it cannot have it.
    pub fn add(&mut self, index: u16, rings: &'static Rings) -> Option<Queue> {
        if let Self::Registers(registers, _) = self {
            if registers.max_queue_size(index) < QUEUE_SIZE.into() {
                return None;
            }
            let [descriptors, driver, device] = rings.addresses();
            registers.queue_set(index, QUEUE_SIZE.into(), descriptors, driver, device);
        }
        Some(Queue::new(rings))
    }

    /// Lets the device begin.
    pub fn begin(&mut self) {
        if let Self::Registers(registers, _) = self {
            registers.set_status(DRIVER | DeviceStatus::FEATURES_OK | DeviceStatus::DRIVER_OK);
        }
    }

    /// Whether each notification is answered before the program goes on, at the price of a way
    /// out of the virtual machine.
    pub fn is_driven(&self) -> bool {
        matches!(self, Self::Driven(_))
    }

    /// Tells the device of buffers that were offered, unless it is looking anyway.
    pub fn notify(&mut self, index: u16, queue: &Queue) {
        if queue.wants_notification() {
            self.ring(index);
        }
    }

    fn ring(&mut self, index: u16) {
        match self {
            Self::Driven(registers) => write_register(*registers + QUEUE_NOTIFY, index.into()),
            Self::Registers(registers, _) => registers.notify(index),
        }
    }

    /// Sleeps until the device has returned a buffer of `queue`.
    ///
    /// A device that is driven already takes a notification for a wait (SPEC C8). Otherwise
    /// interrupts are asked for, and an earlier one is acknowledged before the last look, so that
    /// the next raises the line again: it is edge-triggered.
    pub fn wait(&mut self, index: u16, queue: &Queue) {
        if let Self::Registers(registers, line) = self {
            line.route();
            queue.ask_for_interrupts(true);
            registers.ack_interrupt();
            while !queue.has_returned() {
                wait_for_interrupt();
                registers.ack_interrupt();
            }
            queue.ask_for_interrupts(false);
        }
        while !queue.has_returned() {
            self.ring(index);
        }
    }
}
