//! The console: which of its ports carries the stream, and the stream's bytes (virtio 1.2, 5.3).

use super::super::memory;
use super::buffers;
use super::control::Control;
use super::device::Device;
use super::receiver::Receiver;
use super::sender::Sender;

/// Receive queues of ports 0 and 1; the transmit queue follows each.
const PORT_0_RECEIVE: u16 = 0;
const PORT_1_RECEIVE: u16 = 4;

/// What is shorter is copied: it goes to the page of a buffer that every frame touches.
const IN_PLACE_BYTES: usize = 2048;

/// The opened console.
pub struct Console {
    device: Device,
    receiver: Receiver,
    sender: Sender,
}

impl Console {
    /// Sets the device up; `None` if it cannot be driven.
    pub fn open(mut device: Device) -> Option<Self> {
        let has_ports = device.negotiate(true)?;
        Self::over(device, has_ports)
    }

    /// Sets the device up for port 0, which is a console: this one, or else one on the PCI bus.
    #[cold]
    #[inline(never)]
    pub fn open_raw(device: Option<Device>) -> Option<Self> {
        let mut device = device.or_else(Device::on_bus)?;
        device.negotiate(false)?;
        Self::over(device, false)
    }

    #[inline(never)]
    fn over(mut device: Device, has_ports: bool) -> Option<Self> {
        let first = if has_ports { PORT_1_RECEIVE } else { PORT_0_RECEIVE };
        let [receive, send] = buffers::CONSOLE;
        let (receive, send) = (device.add(first, receive)?, device.add(first + 1, send)?);
        let control = if has_ports { Some(Control::new(&mut device)?) } else { None };
        let receiver = Receiver::new(receive, first, buffers::receive());
        let sender = Sender::new(send, first + 1, buffers::send());
        device.begin();
        if let Some(control) = control {
            control.open_port_1(&mut device);
        }
        // Last: where QEMU hears of buffers at once, it looks for input only if the port is open.
        receiver.notify(&mut device);
        Some(Self { device, receiver, sender })
    }

    /// Bytes that have come and were not consumed, at least one: waits for it.
    pub fn bytes(&mut self) -> &[u8] {
        self.receiver.bytes(&mut self.device)
    }

    /// Gives up the first `amount` bytes of what [`bytes`](Self::bytes) returned.
    pub fn consume(&mut self, amount: usize) {
        self.receiver.consume(amount, &mut self.device);
    }

    /// Adds bytes to what is sent next.
    pub fn put(&mut self, bytes: &[u8]) {
        self.sender.put(bytes, &mut self.device);
    }

    /// Sends what was put and `bytes` after it; waits while the launcher takes nothing.
    pub fn send(&mut self, bytes: &[u8]) {
        // Elsewhere the device reads while the program goes on, for which it needs a copy.
        let is_read_at_once = self.device.is_driven();
        if is_read_at_once && bytes.len() >= IN_PLACE_BYTES && memory::is_for_devices(bytes) {
            self.sender.flush_with(bytes, &mut self.device);
        } else {
            self.put(bytes);
            self.flush();
        }
    }

    /// Sends what was put; waits while the launcher takes nothing.
    pub fn flush(&mut self) {
        self.sender.flush(&mut self.device);
    }

    /// Waits until all that was sent has been read.
    pub fn drain(&mut self) {
        self.sender.drain(&mut self.device);
    }

    /// Sends what was put, unless that would interrupt the program: then it goes with what comes
    /// next.
    pub fn flush_in_passing(&mut self) {
        if !self.device.is_driven() {
            self.flush();
        }
    }
}
