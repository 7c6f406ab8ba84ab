//! A queue that the device fills.

use super::super::arch::{InterruptLine, abandon};
use super::{QUEUE_SIZE, Queue, Registers, dma, notify, wait};

/// A queue and its buffers; one of them, at most, is being read.
pub struct Receiver {
    queue: Queue,
    index: u16,
    buffers: [&'static mut [u8]; QUEUE_SIZE],
    /// Buffer that each descriptor stands for.
    posted: [usize; QUEUE_SIZE],
    reading: Option<Reading>,
}

#[derive(Clone, Copy)]
struct Reading {
    buffer: usize,
    start: usize,
    end: usize,
}

impl Receiver {
    pub fn new(queue: Queue, index: u16, buffer_bytes: usize) -> Self {
        let buffers = core::array::from_fn(|_| dma::take(buffer_bytes));
        let mut receiver = Self { queue, index, buffers, posted: [0; _], reading: None };
        receiver.queue.set_dev_notify(false);
        for buffer in 0..QUEUE_SIZE {
            receiver.post(buffer);
        }
        receiver
    }

    /// Tells the device of the buffers, once it is ready to hear of them.
    pub fn notify(&self, registers: &mut Registers) {
        notify(&self.queue, self.index, registers);
    }

    /// Bytes that have come and were not consumed, waiting for the first of them.
    pub fn bytes(&mut self, registers: &mut Registers, line: &mut InterruptLine) -> &[u8] {
        let Reading { buffer, start, end } = loop {
            if let Some(reading) = self.reading.or_else(|| self.take_used(registers)) {
                break reading;
            }
            wait(&mut self.queue, registers, line);
        };
        &self.buffers[buffer][start..end]
    }

    /// Gives up the first `amount` bytes of what [`bytes`](Self::bytes) returned.
    pub fn consume(&mut self, amount: usize, registers: &mut Registers) {
        let Some(reading) = &mut self.reading else { return };
        reading.start += amount;
        let Reading { buffer, start, end } = *reading;
        assert!(start <= end, "no more is consumed than has come");
        if start == end {
            self.reading = None;
            self.post(buffer);
            self.notify(registers);
        }
    }

    fn take_used(&mut self, registers: &mut Registers) -> Option<Reading> {
        let token = self.queue.peek_used()?;
        let buffer = self.posted.get(usize::from(token)).copied().unwrap_or_else(|| abandon());
        // SAFETY: `post` added this buffer, alone, when it got this token.
        let used = unsafe { self.queue.pop_used(token, &[], &mut [self.buffers[buffer]]) };
        let end = used.unwrap_or_else(|_| abandon()) as usize;
        if end > self.buffers[buffer].len() {
            abandon();
        }
        if end == 0 {
            self.post(buffer);
            self.notify(registers);
            return None;
        }
        self.reading = Some(Reading { buffer, start: 0, end });
        self.reading
    }

    fn post(&mut self, buffer: usize) {
        // SAFETY: the buffer lives for ever and is not looked at until it was popped.
        let token = unsafe { self.queue.add(&[], &mut [self.buffers[buffer]]) };
        // It has a descriptor for every buffer; `expect` would bring formatting into each image.
        let Ok(token) = token else { abandon() };
        self.posted[usize::from(token)] = buffer;
    }
}
