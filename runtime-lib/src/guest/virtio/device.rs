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
use super::pci::PciDevice;
use super::queue::{Queue, Rings};

const DRIVER: DeviceStatus = DeviceStatus::ACKNOWLEDGE.union(DeviceStatus::DRIVER);

const VERSION_1: u64 = 1 << 32;
const MULTIPORT: u64 = 1 << 1;

// Registers over memory (4.2.2).
const QUEUE_NUMBER: u64 = 0x38;
const QUEUE_READY: u64 = 0x44;
const QUEUE_NOTIFY: u64 = 0x50;
const QUEUE_ADDRESSES: u64 = 0x80;

/// The console's registers.
pub enum Device {
    /// Driven already; their address.
    Driven(u64),
    /// Driven by this program; their address.
    Registers(MmioTransport<'static>, u64, InterruptLine),
    /// Likewise, on the PCI bus.
    Pci(PciDevice, InterruptLine),
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
        let line = InterruptLine::new(address.interrupt);
        is_console.then_some(Self::Registers(registers, address.registers, line))
    }

    /// The console on the PCI bus, likewise.
    pub fn on_bus() -> Option<Self> {
        let (device, line) = PciDevice::find()?;
        Some(Self::Pci(device, InterruptLine::new(line)))
    }

    /// Whether the device has several ports, of which it is only asked if `wants_ports`, or `None` if
    /// it is not one that this program can drive.
    pub fn negotiate(&mut self, wants_ports: bool) -> Option<bool> {
        let wanted = if wants_ports { VERSION_1 | MULTIPORT } else { VERSION_1 };
        if let Self::Driven(_) = self {
            return Some(false);
        }
        match self {
            // Over memory a wait is advice alone (2.4.2), and a look is a way out of the machine.
            Self::Registers(registers, ..) => registers.set_status(DeviceStatus::empty()),
            Self::Pci(device, _) => device.reset()?,
            Self::Driven(_) => {}
        }
        self.set_status(DRIVER);
        let accepted = match self {
            Self::Registers(registers, ..) => {
                let accepted = registers.read_device_features() & wanted;
                registers.write_driver_features(accepted);
                accepted
            }
            Self::Pci(device, _) => u64::from(device.negotiate((VERSION_1 >> 32) as u32)) << 32,
            Self::Driven(_) => 0,
        };
        self.set_status(DRIVER | DeviceStatus::FEATURES_OK);
        let agreed = match self {
            Self::Registers(registers, ..) => registers.get_status(),
            Self::Pci(device, _) => DeviceStatus::from_bits_retain(device.status()),
            Self::Driven(_) => DeviceStatus::empty(),
        };
        let agreed = agreed.contains(DeviceStatus::FEATURES_OK);
        (agreed && accepted & VERSION_1 != 0).then_some(accepted & MULTIPORT != 0)
    }

    fn set_status(&mut self, status: DeviceStatus) {
        match self {
            Self::Driven(_) => {}
            Self::Registers(registers, ..) => registers.set_status(status),
            Self::Pci(device, _) => device.set_status(status.bits()),
        }
    }

    /// Shows the device a queue; `None` if it cannot have it.
    pub fn add(&mut self, index: u16, rings: &'static Rings) -> Option<Queue> {
        match self {
            Self::Driven(_) => {}
            Self::Registers(registers, address, _) => {
                if registers.max_queue_size(index) < QUEUE_SIZE.into() {
                    return None;
                }
                // Its own way of doing this knows older devices too, whose failures it describes: in
                // all 2 KiB of each image.
                let at = *address;
                write_register(at + QUEUE_NUMBER, QUEUE_SIZE.into());
                for (part, ring) in (0..).zip(rings.addresses()) {
                    let register = at + QUEUE_ADDRESSES + 0x10 * part;
                    write_register(register, ring as u32);
                    write_register(register + 4, (ring >> 32) as u32);
                }
                write_register(at + QUEUE_READY, 1);
            }
            Self::Pci(device, _) => device.add(index, rings.addresses())?,
        }
        Some(Queue::new(rings))
    }

    /// Lets the device begin.
    pub fn begin(&mut self) {
        self.set_status(DRIVER | DeviceStatus::FEATURES_OK | DeviceStatus::DRIVER_OK);
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
            Self::Registers(registers, ..) => registers.notify(index),
            Self::Pci(device, _) => device.notify(index),
        }
    }

    /// Acknowledges an interrupt, so that the next raises the line again.
    fn acknowledge_interrupt(&mut self) {
        match self {
            Self::Driven(_) => {}
            Self::Registers(registers, ..) => {
                registers.ack_interrupt();
            }
            Self::Pci(device, _) => device.acknowledge_interrupt(),
        }
    }

    /// Sleeps until the device has returned a buffer of `queue`.
    ///
    /// A device that is driven already takes a notification for a wait (SPEC C8). Otherwise
    /// interrupts are asked for, and an earlier one is acknowledged before the last look, so that
    /// the next raises the line again: it is edge-triggered.
    pub fn wait(&mut self, index: u16, queue: &Queue) {
        if let Self::Registers(_, _, line) | Self::Pci(_, line) = self {
            line.route();
            queue.ask_for_interrupts(true);
            self.acknowledge_interrupt();
            while !queue.has_returned() {
                wait_for_interrupt();
                self.acknowledge_interrupt();
            }
            queue.ask_for_interrupts(false);
        }
        while !queue.has_returned() {
            self.ring(index);
        }
    }
}
