//! A queue that the device drains.

use super::super::arch::{InterruptLine, abandon};
use super::{QUEUE_SIZE, Queue, Registers, dma, notify, wait};

/// Buffers in flight at most.
const BUFFERS: usize = 4;

/// A queue and its buffers: what is sent is copied, so that the program goes on while the device
/// reads, and waits only when every buffer is on its way.
pub struct Sender {
    queue: Queue,
    index: u16,
    buffers: [&'static mut [u8]; BUFFERS],
    /// Buffers not in flight; the last is taken first, since its memory was touched last.
    free: [usize; BUFFERS],
    free_count: usize,
    /// Buffer that each descriptor stands for, and the bytes in it.
    sent: [(usize, usize); QUEUE_SIZE],
}

impl Sender {
    pub fn new(mut queue: Queue, index: u16, buffer_bytes: usize) -> Self {
        queue.set_dev_notify(false);
        let buffers = core::array::from_fn(|_| dma::take(buffer_bytes));
        let free = core::array::from_fn(|buffer| buffer);
        Self { queue, index, buffers, free, free_count: BUFFERS, sent: [(0, 0); _] }
    }

    /// Sends `head` and `tail`, one after the other.
    pub fn send(
        &mut self,
        mut head: &[u8],
        mut tail: &[u8],
        registers: &mut Registers,
        line: &mut InterruptLine,
    ) {
        while head.len() + tail.len() > 0 {
            let buffer = self.free_buffer(registers, line);
            let head_bytes = head.len().min(self.buffers[buffer].len());
            let (now, later) = head.split_at(head_bytes);
            self.buffers[buffer][..head_bytes].copy_from_slice(now);
            head = later;
            let tail_bytes = tail.len().min(self.buffers[buffer].len() - head_bytes);
            let (now, later) = tail.split_at(tail_bytes);
            self.buffers[buffer][head_bytes..head_bytes + tail_bytes].copy_from_slice(now);
            tail = later;
            self.post(buffer, head_bytes + tail_bytes);
            notify(&self.queue, self.index, registers);
        }
    }

    fn post(&mut self, buffer: usize, bytes: usize) {
        // SAFETY: the buffer lives for ever and is not written until it was popped.
        let token = unsafe { self.queue.add(&[&self.buffers[buffer][..bytes]], &mut []) };
        // It has a descriptor for every buffer; `expect` would bring formatting into each image.
        let Ok(token) = token else { abandon() };
        self.sent[usize::from(token)] = (buffer, bytes);
    }

    fn free_buffer(&mut self, registers: &mut Registers, line: &mut InterruptLine) -> usize {
        self.take_used();
        while self.free_count == 0 {
            wait(&mut self.queue, registers, line);
            self.take_used();
        }
        self.free_count -= 1;
        self.free[self.free_count]
    }

    fn take_used(&mut self) {
        while let Some(token) = self.queue.peek_used() {
            let sent = self.sent.get(usize::from(token)).copied();
            let (buffer, bytes) = sent.unwrap_or_else(|| abandon());
            // SAFETY: `post` added these bytes, alone, when it got this token.
            let popped =
                unsafe { self.queue.pop_used(token, &[&self.buffers[buffer][..bytes]], &mut []) };
            if popped.is_err() || self.free_count == BUFFERS {
                abandon();
            }
            self.free[self.free_count] = buffer;
            self.free_count += 1;
        }
    }
}
