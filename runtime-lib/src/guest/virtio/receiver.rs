//! A queue that the device fills.

use ampoule_abi::layout::QUEUE_SIZE;

use super::super::arch::abandon;
use super::device::Device;
use super::queue::Queue;

/// Buffers of a queue: one that is read, the others for what comes meanwhile.
pub const BUFFERS: usize = 4;

const _: () = assert!(BUFFERS <= QUEUE_SIZE as usize);

/// A queue and its buffers; one of them, at most, is being read.
pub struct Receiver {
    queue: Queue,
    index: u16,
    buffers: [&'static mut [u8]; BUFFERS],
    reading: Option<Reading>,
}

#[derive(Clone, Copy)]
struct Reading {
    buffer: usize,
    start: usize,
    end: usize,
}

impl Receiver {
    /// Offers every buffer, without telling the device yet.
    pub fn new(queue: Queue, index: u16, buffers: [&'static mut [u8]; BUFFERS]) -> Self {
        let mut receiver = Self { queue, index, buffers, reading: None };
        for buffer in 0..BUFFERS {
            receiver.offer(buffer);
        }
        receiver
    }

    /// Tells the device of the buffers, once it is ready to hear of them.
    pub fn notify(&self, device: &mut Device) {
        device.notify(self.index, &self.queue);
    }

    /// Bytes that have come and were not consumed, waiting for the first of them.
    pub fn bytes(&mut self, device: &mut Device) -> &[u8] {
        let Reading { buffer, start, end } = loop {
            if let Some(reading) = self.reading.or_else(|| self.take(device)) {
                break reading;
            }
            device.wait(self.index, &self.queue);
        };
        &self.buffers[buffer][start..end]
    }

    /// Gives up the first `amount` bytes of what [`bytes`](Self::bytes) returned.
    pub fn consume(&mut self, amount: usize, device: &mut Device) {
        let Some(reading) = &mut self.reading else { return };
        reading.start += amount;
        let Reading { buffer, start, end } = *reading;
        assert!(start <= end, "no more is consumed than has come");
        if start == end {
            self.reading = None;
            self.offer(buffer);
            self.notify(device);
        }
    }

    fn take(&mut self, device: &mut Device) -> Option<Reading> {
        let returned = self.queue.take().unwrap_or_else(|_| abandon())?;
        let (buffer, end) = (returned.buffer, returned.bytes);
        if end > self.buffers[buffer].len() {
            abandon();
        }
        if end == 0 {
            self.offer(buffer);
            self.notify(device);
            return None;
        }
        self.reading = Some(Reading { buffer, start: 0, end });
        self.reading
    }

    fn offer(&mut self, buffer: usize) {
        self.queue.offer(buffer, self.buffers[buffer], true);
    }
}
