//! The control queues of a console with several ports: how port 1, the first that is no console, is
//! opened (virtio 1.2, 5.3.6.2).

use super::buffers;
use super::device::Device;
use super::receiver::Receiver;
use super::sender::Sender;

const RECEIVE: u16 = 2;
const SEND: u16 = 3;

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
    pub fn new(device: &mut Device) -> Option<Self> {
        let [receive, send] = &buffers::CONTROL;
        let (receive, send) = (device.add(RECEIVE, receive)?, device.add(SEND, send)?);
        Some(Self {
            receiver: Receiver::new(receive, RECEIVE, buffers::control_receive()),
            sender: Sender::new(send, SEND, buffers::control_send()),
        })
    }

    /// Opens port 1 once the device has said that it is there.
    pub fn open_port_1(mut self, device: &mut Device) {
        self.receiver.notify(device);
        self.send(0, DEVICE_READY, device);
        while !self.hears_of_port_1(device) {}
        self.send(PORT, PORT_READY, device);
        self.send(PORT, PORT_OPEN, device);
    }

    fn hears_of_port_1(&mut self, device: &mut Device) -> bool {
        let bytes = self.receiver.bytes(device);
        let hears = bytes.starts_with(&message(PORT, DEVICE_ADD));
        let length = bytes.len();
        self.receiver.consume(length, device);
        hears
    }

    fn send(&mut self, port: u32, event: u16, device: &mut Device) {
        self.sender.put(&message(port, event), device);
        self.sender.put(&1u16.to_le_bytes(), device);
        self.sender.flush(device);
    }
}

/// The beginning of a message: the port and the event.
fn message(port: u32, event: u16) -> [u8; 6] {
    let mut bytes = [0; 6];
    bytes[..4].copy_from_slice(&port.to_le_bytes());
    bytes[4..].copy_from_slice(&event.to_le_bytes());
    bytes
}
