//! The console: which of its ports carries the stream, and the stream's bytes (virtio 1.2, 5.3).

use core::ptr::NonNull;

use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport};

use super::super::arch::InterruptLine;
use super::super::boot_info::DeviceAddress;
use super::control::Control;
use super::receiver::Receiver;
use super::sender::Sender;
use super::{Registers, queue};
use ampoule_abi::layout::DEVICE_BLOCK_BYTES;

const DRIVER: DeviceStatus = DeviceStatus::ACKNOWLEDGE.union(DeviceStatus::DRIVER);

const VERSION_1: u64 = 1 << 32;
const MULTIPORT: u64 = 1 << 1;

/// Receive queues of ports 0 and 1; the transmit queue follows each.
const PORT_0_RECEIVE: u16 = 0;
const PORT_1_RECEIVE: u16 = 4;

/// Bytes of a buffer that receives: what QEMU passes on at a time (`CHR_READ_BUF_LEN`).
const RECEIVE_BYTES: usize = 4096;
/// Bytes of a buffer that sends.
const SEND_BYTES: usize = 8192;

/// The opened console.
pub struct Console {
    registers: Registers,
    line: InterruptLine,
    receiver: Receiver,
    sender: Sender,
}

impl Console {
    /// Sets the device up; `None` if there is no console.
    pub fn open(address: DeviceAddress) -> Option<Self> {
        let header = NonNull::new(core::ptr::with_exposed_provenance_mut(address.registers as _))?;
        // SAFETY: the page tables map the register block for this, and only this uses it.
        let registers = unsafe { MmioTransport::new(header, DEVICE_BLOCK_BYTES as usize) };
        let mut registers = registers.ok()?;
        if registers.device_type() != DeviceType::Console {
            return None;
        }
        let mut line = InterruptLine::new(address.interrupt);
        let multiport = negotiate(&mut registers)?;
        let first = if multiport { PORT_1_RECEIVE } else { PORT_0_RECEIVE };
        let (receive, send) = (queue(&mut registers, first)?, queue(&mut registers, first + 1)?);
        let control = if multiport { Some(Control::new(&mut registers)?) } else { None };
        let receiver = Receiver::new(receive, first, RECEIVE_BYTES);
        let sender = Sender::new(send, first + 1, SEND_BYTES);
        registers.set_status(DRIVER | DeviceStatus::FEATURES_OK | DeviceStatus::DRIVER_OK);
        if let Some(control) = control {
            control.open_port_1(&mut registers, &mut line);
        }
        // Last: where QEMU hears of buffers at once, it looks for input only if the port is open.
        receiver.notify(&mut registers);
        Some(Self { registers, line, receiver, sender })
    }

    /// Bytes that have come and were not consumed, at least one: waits for it.
    pub fn bytes(&mut self) -> &[u8] {
        self.receiver.bytes(&mut self.registers, &mut self.line)
    }

    /// Gives up the first `amount` bytes of what [`bytes`](Self::bytes) returned.
    pub fn consume(&mut self, amount: usize) {
        self.receiver.consume(amount, &mut self.registers);
    }

    /// Sends `head` and `tail`, one after the other; waits while the launcher takes nothing.
    pub fn send(&mut self, head: &[u8], tail: &[u8]) {
        self.sender.send(head, tail, &mut self.registers, &mut self.line);
    }
}

/// Whether the device has several ports, or `None` if it is not one that this program can drive.
fn negotiate(registers: &mut Registers) -> Option<bool> {
    registers.set_status(DeviceStatus::empty());
    registers.set_status(DRIVER);
    let offered = registers.read_device_features();
    let accepted = offered & (VERSION_1 | MULTIPORT);
    registers.write_driver_features(accepted);
    registers.set_status(DRIVER | DeviceStatus::FEATURES_OK);
    let agreed = registers.get_status().contains(DeviceStatus::FEATURES_OK);
    (agreed && accepted & VERSION_1 != 0).then_some(accepted & MULTIPORT != 0)
}
