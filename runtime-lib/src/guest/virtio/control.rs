//! The control queues of a console with several ports: how port 1, the first that is no console, is
//! opened (virtio 1.2, 5.3.6.2).

use super::super::arch::InterruptLine;
use super::receiver::Receiver;
use super::sender::Sender;
use super::{Registers, queue};

const RECEIVE: u16 = 2;
const SEND: u16 = 3;

/// Room for any message: eight bytes, and the name of a port.
const MESSAGE_BYTES: usize = 64;

const DEVICE_READY: u16 = 0;
const DEVICE_ADD: u16 = 1;
const PORT_READY: u16 = 3;
const PORT_OPEN: u16 = 6;

const PORT: u32 = 1;

/// Both queues.
pub struct Control {
    receiver: Receiver,
    sender: Sender,
}

impl Control {
    pub fn new(registers: &mut Registers) -> Option<Self> {
        let (receive, send) = (queue(registers, RECEIVE)?, queue(registers, SEND)?);
        Some(Self {
            receiver: Receiver::new(receive, RECEIVE, MESSAGE_BYTES),
            sender: Sender::new(send, SEND, MESSAGE_BYTES),
        })
    }

    /// Opens port 1 once the device has said that it is there.
    pub fn open_port_1(mut self, registers: &mut Registers, line: &mut InterruptLine) {
        self.receiver.notify(registers);
        self.send(0, DEVICE_READY, registers, line);
        while !self.hears_of_port_1(registers, line) {}
        self.send(PORT, PORT_READY, registers, line);
        self.send(PORT, PORT_OPEN, registers, line);
    }

    fn hears_of_port_1(&mut self, registers: &mut Registers, line: &mut InterruptLine) -> bool {
        let bytes = self.receiver.bytes(registers, line);
        let hears = bytes.starts_with(&message(PORT, DEVICE_ADD));
        let length = bytes.len();
        self.receiver.consume(length, registers);
        hears
    }

    fn send(&mut self, port: u32, event: u16, registers: &mut Registers, line: &mut InterruptLine) {
        self.sender.send(&message(port, event), &1u16.to_le_bytes(), registers, line);
    }
}

/// The beginning of a message: the port and the event.
fn message(port: u32, event: u16) -> [u8; 6] {
    let mut bytes = [0; 6];
    bytes[..4].copy_from_slice(&port.to_le_bytes());
    bytes[4..].copy_from_slice(&event.to_le_bytes());
    bytes
}
