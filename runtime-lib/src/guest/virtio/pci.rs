//! A virtio device on the PCI bus (virtio 1.2, 4.1), reached through configuration space alone.
//!
//! Where the firmware has put the device's registers is not known when the image's page tables are
//! laid out. So they are accessed through the window that each such device has in its configuration
//! space (4.1.4.9), and nothing of the bus is mapped. What is read is checked before it is followed.

use ampoule_abi::layout::QUEUE_SIZE;

use super::super::arch::Port;
use super::capabilities::{BAR, Capabilities, EXTRA, OFFSET, Place};

/// Of an address: it is one of configuration space (PCI 3.0, 3.2.2.3.2).
const ENABLED: u32 = 1 << 31;

/// The slots of the first bus.
const SLOTS: u32 = 32;

/// Device and vendor of a console, modern and transitional (4.1.2).
const CONSOLES: [u32; 2] = [0x1043_1af4, 0x1003_1af4];

// Registers of configuration space.
const COMMAND: u32 = 0x04;
const BUS_MASTER: u32 = 1 << 2;
const NO_INTERRUPTS: u32 = 1 << 10;
const INTERRUPT_LINE: u32 = 0x3c;

/// Offset in the window's capability of how many bytes it shows (virtio 1.2, 4.1.4.9).
const LENGTH: u32 = 12;

/// Inputs of a PC's I/O APIC.
const INTERRUPT_LINES: u32 = 24;

/// Looks at a device that is being reset, each of which is eight ways out of the machine.
const MOST_LOOKS: u32 = 10_000;

/// Offsets in the common configuration (4.1.4.3).
mod common {
    pub const DEVICE_FEATURE_SELECT: u32 = 0;
    pub const DEVICE_FEATURE: u32 = 4;
    pub const DRIVER_FEATURE_SELECT: u32 = 8;
    pub const DRIVER_FEATURE: u32 = 12;
    pub const DEVICE_STATUS: u32 = 20;
    pub const QUEUE_SELECT: u32 = 22;
    pub const QUEUE_SIZE: u32 = 24;
    pub const QUEUE_ENABLE: u32 = 28;
    pub const QUEUE_NOTIFY_OFFSET: u32 = 30;
    pub const QUEUE_ADDRESSES: u32 = 32;
}

/// A console on the bus; its queues are 0 and 1.
pub struct PciDevice {
    function: u32,
    places: Capabilities,
    notify_offsets: [u32; 2],
}

impl PciDevice {
    /// The console in the lowest slot of the first bus that has all that is needed, and its interrupt
    /// line.
    pub fn find() -> Option<(Self, u32)> {
        (0..SLOTS).find_map(|slot| {
            let function = ENABLED | slot << 11;
            if !CONSOLES.contains(&read(function)) {
                return None;
            }
            let places = Capabilities::find(|offset| read(function | offset))?;
            // The firmware says 255 where it has not connected it.
            let line = read(function | INTERRUPT_LINE) & 0xff;
            if line >= INTERRUPT_LINES {
                return None;
            }
            let command = read(function | COMMAND);
            // The upper half has bits that are cleared by writing them.
            write(function | COMMAND, (command & 0xffff & !NO_INTERRUPTS) | BUS_MASTER);
            Some((Self { function, places, notify_offsets: [0; 2] }, line))
        })
    }

    /// The device's status (2.1).
    pub fn status(&self) -> u32 {
        self.read_common(common::DEVICE_STATUS, 1)
    }

    /// Resets the device, and waits until it is (4.1.4.3.2); `None` if it never comes to that.
    pub fn reset(&self) -> Option<()> {
        self.set_status(0);
        (0..MOST_LOOKS).any(|_| self.status() == 0).then_some(())
    }

    /// Sets the device's status.
    pub fn set_status(&self, status: u32) {
        self.write_common(common::DEVICE_STATUS, 1, status);
    }

    /// Accepts what of the features numbered from 32 on is in `wanted` and offered, and none below;
    /// what that is.
    pub fn negotiate(&self, wanted: u32) -> u32 {
        self.write_common(common::DEVICE_FEATURE_SELECT, 4, 1);
        let accepted = self.read_common(common::DEVICE_FEATURE, 4) & wanted;
        for (half, features) in [(0, 0), (1, accepted)] {
            self.write_common(common::DRIVER_FEATURE_SELECT, 4, half);
            self.write_common(common::DRIVER_FEATURE, 4, features);
        }
        accepted
    }

    /// Shows the device queue 0 or 1; `None` if it cannot have it.
    pub fn add(&mut self, index: u16, addresses: [u64; 3]) -> Option<()> {
        self.write_common(common::QUEUE_SELECT, 2, index.into());
        if self.read_common(common::QUEUE_SIZE, 2) < QUEUE_SIZE.into() {
            return None;
        }
        self.write_common(common::QUEUE_SIZE, 2, QUEUE_SIZE.into());
        for (part, address) in (0..).zip(addresses) {
            let at = common::QUEUE_ADDRESSES + 8 * part;
            self.write_common(at, 4, address as u32);
            self.write_common(at + 4, 4, (address >> 32) as u32);
        }
        let offset = self.read_common(common::QUEUE_NOTIFY_OFFSET, 2);
        self.notify_offsets[usize::from(index & 1)] = offset.wrapping_mul(self.places.multiplier);
        self.write_common(common::QUEUE_ENABLE, 2, 1);
        Some(())
    }

    /// Tells the device of buffers in a queue.
    pub fn notify(&self, index: u16) {
        let offset = self.notify_offsets[usize::from(index & 1)];
        let offset = self.places.notify.offset.wrapping_add(offset);
        self.point_at(Place { offset, ..self.places.notify }, 2);
        self.write_window(index.into());
    }

    /// Acknowledges an interrupt: what is read is cleared, and the line goes down (4.1.4.5).
    pub fn acknowledge_interrupt(&self) {
        self.point_at(self.places.interrupts, 1);
        self.read_window();
    }

    fn read_common(&self, offset: u32, bytes: u32) -> u32 {
        self.point_at_common(offset, bytes);
        self.read_window() & (u32::MAX >> (32 - 8 * bytes))
    }

    fn write_common(&self, offset: u32, bytes: u32, value: u32) {
        self.point_at_common(offset, bytes);
        self.write_window(value);
    }

    fn point_at_common(&self, offset: u32, bytes: u32) {
        let offset = self.places.common.offset.wrapping_add(offset);
        self.point_at(Place { offset, ..self.places.common }, bytes);
    }

    /// Moves the window to a register of 1, 2 or 4 bytes.
    fn point_at(&self, place: Place, bytes: u32) {
        let window = self.function | self.places.window;
        write(window + BAR, place.bar);
        write(window + OFFSET, place.offset);
        write(window + LENGTH, bytes);
    }

    fn read_window(&self) -> u32 {
        read((self.function | self.places.window) + EXTRA)
    }

    fn write_window(&self, value: u32) {
        write((self.function | self.places.window) + EXTRA, value);
    }
}

/// Reads a register of configuration space, all 32 bits of it.
fn read(register: u32) -> u32 {
    Port::CONFIGURATION_ADDRESS.write_32(register);
    Port::CONFIGURATION_DATA.read_32()
}

/// Writes a register of configuration space.
fn write(register: u32, value: u32) {
    Port::CONFIGURATION_ADDRESS.write_32(register);
    Port::CONFIGURATION_DATA.write_32(value);
}
