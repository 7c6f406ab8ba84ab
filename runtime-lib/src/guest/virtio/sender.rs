//! A queue that the device drains.

use super::super::arch::abandon;
use super::device::Device;
use super::queue::{PAIRS, Queue};

/// Buffers in flight at most.
pub const BUFFERS: usize = 2;

const _: () = assert!(BUFFERS <= PAIRS);

/// A queue and its buffers: what is put there is a copy, so that the program goes on while the
/// device reads, and waits only when every buffer is on its way.
pub struct Sender {
    queue: Queue,
    index: u16,
    buffers: [&'static mut [u8]; BUFFERS],
    is_free: [bool; BUFFERS],
    /// The buffer that is being filled, and the bytes in it.
    filling: Option<(usize, usize)>,
}

impl Sender {
    pub fn new(queue: Queue, index: u16, buffers: [&'static mut [u8]; BUFFERS]) -> Self {
        Self { queue, index, buffers, is_free: [true; BUFFERS], filling: None }
    }

    /// Adds bytes to what is sent next; sends only what would not fit.
    pub fn put(&mut self, mut bytes: &[u8], device: &mut Device) {
        while !bytes.is_empty() {
            let (buffer, filled) = self.filling.take().unwrap_or_else(|| self.free(device));
            let room = &mut self.buffers[buffer][filled..];
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            let is_full = now.len() == room.len();
            self.filling = Some((buffer, filled + now.len()));
            bytes = later;
            if is_full {
                self.flush(device);
            }
        }
    }

    /// Sends what was put.
    pub fn flush(&mut self, device: &mut Device) {
        if let Some((buffer, bytes)) = self.filling.take() {
            self.queue.offer(buffer, &self.buffers[buffer][..bytes], false);
            device.notify(self.index, &self.queue);
        }
    }

    /// Sends what was put and `rest` after it, which is not copied: waits until the device has read
    /// it.
    pub fn flush_with(&mut self, rest: &[u8], device: &mut Device) {
        let (buffer, bytes) = self.filling.take().unwrap_or_else(|| self.free(device));
        self.queue.offer_pair(buffer, &self.buffers[buffer][..bytes], rest);
        device.notify(self.index, &self.queue);
        loop {
            self.take_back();
            if self.is_free[buffer] {
                return;
            }
            device.wait(self.index, &self.queue);
        }
    }

    /// Waits until the device has read all that was sent.
    pub fn drain(&mut self, device: &mut Device) {
        self.flush(device);
        loop {
            self.take_back();
            if self.is_free == [true; BUFFERS] {
                return;
            }
            device.wait(self.index, &self.queue);
        }
    }

    /// A buffer that is not in flight, and the bytes in it.
    fn free(&mut self, device: &mut Device) -> (usize, usize) {
        loop {
            self.take_back();
            // The first that is free: its memory was used before, if any was.
            if let Some(buffer) = self.is_free.iter().position(|&is_free| is_free) {
                self.is_free[buffer] = false;
                return (buffer, 0);
            }
            device.wait(self.index, &self.queue);
        }
    }

    fn take_back(&mut self) {
        while let Some(returned) = self.queue.take().unwrap_or_else(|_| abandon()) {
            self.is_free[returned.buffer] = true;
        }
    }
}
