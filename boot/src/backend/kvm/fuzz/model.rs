//! The console as the standard describes it (virtio 1.2, 2.7), step by step, over bytes in a vector.

use std::sync::Arc;
use std::time::Instant;

use ampoule_abi::note::{MachineNote, QueueAddresses};

use super::MEMORY_BYTES;
use crate::session::fuzz::{Heard, model as heard};
use crate::session::traffic::Traffic;
use crate::session::{Input, Peek};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// A rule is broken, or the call has ended otherwise.
struct Over;

/// How far the device has come in a queue: both indexes, which go together.
type Position = u16;

/// The device and its guest's memory.
pub(super) struct Model<'a> {
    pub(super) note: MachineNote,
    pub(super) memory: Vec<u8>,
    pub(super) stdin: &'a [u8],
    input: Input<&'a [u8]>,
    /// All that the guest has sent.
    sent: Vec<u8>,
    /// Of the receive queue and of the transmit queue.
    positions: [Position; 2],
}

struct Descriptor {
    address: u64,
    bytes: u64,
    flags: u16,
    next: u16,
}

impl<'a> Model<'a> {
    pub(super) fn new(note: MachineNote, stdin: &'a [u8]) -> Self {
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let input = Input::new(stdin, Peek::default(), traffic);
        let memory = vec![0; MEMORY_BYTES as usize];
        Self { note, memory, stdin, input, sent: Vec::new(), positions: [0; 2] }
    }

    /// Whether the rings are aligned and in memory.
    pub(super) fn is_sound(&self) -> bool {
        let parts =
            [self.note.receive, self.note.transmit].map(|queue| queue.parts(self.note.size));
        parts.as_flattened().iter().all(|&(address, bytes, alignment)| {
            address.is_multiple_of(alignment)
                && address.checked_add(bytes).is_some_and(|end| end <= MEMORY_BYTES)
        })
    }

    /// No notification of the receive queue is asked for.
    pub(super) fn begin(&mut self) {
        self.put(self.note.receive.device, &1u16.to_le_bytes());
    }

    /// What the guest has said so far.
    pub(super) fn heard(&self) -> Heard {
        heard(&self.sent)
    }

    pub(super) fn short(&self, address: u64) -> u16 {
        let at = address as usize;
        u16::from_le_bytes([self.memory[at], self.memory[at + 1]])
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        self.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Takes what was offered to be sent; whether the call goes on.
    pub(super) fn transmit(&mut self) -> bool {
        self.try_transmit().is_ok()
    }

    /// Fills what was offered until there is something; whether the call goes on.
    pub(super) fn receive(&mut self) -> bool {
        self.try_receive().is_ok()
    }

    fn try_transmit(&mut self) -> Result<(), Over> {
        let queue = self.note.transmit;
        while let Some(head) = self.offered(queue, self.positions[1])? {
            let (mut next, mut steps) = (Some(head), 0);
            while let Some(index) = next {
                let descriptor = self.descriptor(queue, index, &mut steps)?;
                let range = self.range(&descriptor);
                if descriptor.flags & WRITE != 0 {
                    return Err(Over);
                }
                self.sent.extend_from_slice(&self.memory[range?]);
                if self.heard().end.is_some() {
                    return Err(Over);
                }
                next = (descriptor.flags & NEXT != 0).then_some(descriptor.next);
            }
            self.positions[1] = self.give_back(queue, self.positions[1], head, 0)?;
        }
        Ok(())
    }

    fn try_receive(&mut self) -> Result<(), Over> {
        let queue = self.note.receive;
        while let Some(head) = self.offered(queue, self.positions[0])? {
            let (mut next, mut steps) = (Some(head), 0);
            let mut filled = 0;
            while let Some(index) = next {
                let descriptor = self.descriptor(queue, index, &mut steps)?;
                if descriptor.flags & WRITE == 0 {
                    return Err(Over);
                }
                let range = self.range(&descriptor)?;
                if !range.is_empty() {
                    filled =
                        self.input.fill(&mut self.memory[range]).expect("a slice does not fail");
                    if filled == 0 {
                        // It stays with the device: nothing will come.
                        return Ok(());
                    }
                    break;
                }
                next = (descriptor.flags & NEXT != 0).then_some(descriptor.next);
            }
            self.positions[0] = self.give_back(queue, self.positions[0], head, filled as u32)?;
            if filled > 0 {
                break;
            }
        }
        Ok(())
    }

    /// The next head, if there is one; at most as many as the queue has entries may be waiting.
    fn offered(&self, queue: QueueAddresses, position: Position) -> Result<Option<u16>, Over> {
        // The library that the monitor uses takes rings at address 0 for none.
        if queue.driver == 0 {
            return Err(Over);
        }
        match self.short(queue.driver + 2).wrapping_sub(position) {
            0 => Ok(None),
            waiting if waiting > self.note.size => Err(Over),
            _ => {
                let slot = u64::from(position % self.note.size);
                Ok(Some(self.short(queue.driver + 4 + 2 * slot)))
            }
        }
    }

    fn descriptor(
        &self,
        queue: QueueAddresses,
        index: u16,
        steps: &mut u16,
    ) -> Result<Descriptor, Over> {
        if index >= self.note.size || *steps == self.note.size {
            return Err(Over);
        }
        *steps += 1;
        let at = queue.descriptors + 16 * u64::from(index);
        let half = |at| u64::from(self.short(at));
        let word = |at| half(at) | half(at + 2) << 16;
        let (flags, next) = (self.short(at + 12), self.short(at + 14));
        if flags & INDIRECT != 0 {
            return Err(Over);
        }
        Ok(Descriptor { address: word(at) | word(at + 4) << 32, bytes: word(at + 8), flags, next })
    }

    fn range(&self, descriptor: &Descriptor) -> Result<std::ops::Range<usize>, Over> {
        let end = u128::from(descriptor.address) + u128::from(descriptor.bytes);
        match end <= self.memory.len() as u128 {
            true => Ok(descriptor.address as usize..end as usize),
            false => Err(Over),
        }
    }

    fn give_back(
        &mut self,
        queue: QueueAddresses,
        position: Position,
        head: u16,
        bytes: u32,
    ) -> Result<Position, Over> {
        if head >= self.note.size {
            return Err(Over);
        }
        let slot = queue.device + 4 + 8 * u64::from(position % self.note.size);
        self.put(slot, &u32::from(head).to_le_bytes());
        self.put(slot + 4, &bytes.to_le_bytes());
        let position = position.wrapping_add(1);
        self.put(queue.device + 2, &position.to_le_bytes());
        Ok(position)
    }
}
