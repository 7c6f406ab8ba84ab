//! The console's queues: what the guest sends, to its caller; what its caller sends, to the guest
//! (virtio 1.2, 2.7 and 5.3).
//!
//! Nothing that a guest writes there is believed: each address is checked as it is used, chains end
//! after as many steps as their queue has entries, and the first rule that is broken ends the
//! call.

use std::io::{self, ErrorKind, Read, Write};

use virtio_queue::desc::split::Descriptor;
use virtio_queue::{Queue, QueueOwnedT, QueueT};
use vm_memory::{Bytes, GuestAddress};

use super::memory::{Memory, NoMemory};
use crate::session::{Dialogue, Ending};

/// How a guest broke the rules of its console.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The rings cannot be used.
    #[error("virtqueue {queue} {why}")]
    Rings {
        /// Its index.
        queue: usize,
        /// What is wrong.
        why: String,
    },
    /// A buffer cannot be used.
    #[error("a buffer of virtqueue {queue} {why}")]
    Buffer {
        /// Its index.
        queue: usize,
        /// What is wrong.
        why: String,
    },
}

impl From<Broken> for Ending {
    fn from(broken: Broken) -> Self {
        Self::Protocol(broken.to_string())
    }
}

/// Index of the queue that is filled for the guest.
pub(super) const RECEIVE: usize = 0;
/// Index of the queue that the guest fills.
pub(super) const TRANSMIT: usize = 1;

/// Bytes that are passed on before it is asked again whether the call is over.
const PIECE_BYTES: usize = 256 << 10;

/// Both queues.
pub(super) type Queues = [Queue; 2];

/// What came of filling the guest's buffers.
pub(super) enum Filled {
    /// It has more to read.
    Yes,
    /// It has offered no buffer.
    NoBuffer,
    /// Nothing will ever come again.
    Nothing,
    /// A signal came first.
    Interrupted,
}

/// What came of passing on what the guest has sent.
#[derive(Default)]
pub(super) struct Sent {
    /// How the call ends, if it does with that.
    pub(super) ending: Option<Ending>,
    /// Buffers that were given back.
    pub(super) buffers: u16,
}

/// Passes on what the guest has sent.
pub(super) fn transmit<I, O: Write, E: Write>(
    queue: &mut Queue,
    memory: &Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<Sent, Broken> {
    let (mut sent, mut is_first) = (Sent::default(), true);
    while let Some(head) = next(queue, TRANSMIT, memory)? {
        let mut chain = Chain::new(queue, TRANSMIT, head);
        while let Some(descriptor) = chain.next(memory)? {
            if descriptor.is_write_only() {
                return Err(chain.broken("is to be written to, though it is to be sent"));
            }
            let bytes = memory
                .slice(descriptor.addr().0, descriptor.len().into())
                .map_err(|error| chain.outside(&error))?;
            for piece in bytes.chunks(PIECE_BYTES) {
                let Dialogue { output, watch, .. } = &mut *dialogue;
                // A guest can offer more at once than is passed on in time, even without output.
                let is_over = if is_first { None } else { watch.ending() };
                is_first = false;
                sent.ending = is_over.or_else(|| output.take(piece, &|| watch.ending()));
                if sent.ending.is_some() {
                    return Ok(sent);
                }
            }
        }
        give_back(queue, TRANSMIT, memory, head, 0)?;
        sent.buffers = sent.buffers.saturating_add(1);
    }
    Ok(sent)
}

/// Fills the next buffer that the guest has offered, waiting for STDIN.
pub(super) fn receive<I: Read, O, E>(
    queue: &mut Queue,
    memory: &mut Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<io::Result<Filled>, Broken> {
    while let Some(head) = next(queue, RECEIVE, memory)? {
        let mut chain = Chain::new(queue, RECEIVE, head);
        let mut filled = 0;
        while let Some(descriptor) = chain.next(memory)? {
            if !descriptor.is_write_only() {
                return Err(chain.broken("is not to be written to, though it is to be filled"));
            }
            let room = memory
                .slice_mut(descriptor.addr().0, descriptor.len().into())
                .map_err(|error| chain.outside(&error))?;
            if room.is_empty() {
                continue;
            }
            match dialogue.input.fill(room) {
                Ok(bytes) => filled = bytes,
                Err(error) => {
                    queue.go_to_previous_position();
                    let interrupted = error.kind() == ErrorKind::Interrupted;
                    return Ok(if interrupted { Ok(Filled::Interrupted) } else { Err(error) });
                }
            }
            if filled == 0 {
                queue.go_to_previous_position();
                return Ok(Ok(Filled::Nothing));
            }
            break;
        }
        give_back(queue, RECEIVE, memory, head, filled as u32)?;
        if filled > 0 {
            return Ok(Ok(Filled::Yes));
        }
    }
    Ok(Ok(Filled::NoBuffer))
}

/// Fills what else the guest has offered with what is there of a STDIN that flows, so that it need
/// not come out for that. Waits for nothing.
pub(super) fn receive_ahead<I: Read, O, E>(
    queue: &mut Queue,
    memory: &mut Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<(), Broken> {
    while dialogue.watch.ending().is_none() && dialogue.input.flows() {
        match receive(queue, memory, dialogue)? {
            Ok(Filled::Yes) => {}
            Ok(_) => break,
            Err(error) => dialogue.input.fail_later(error),
        }
    }
    Ok(())
}

/// The head of the next chain that the guest has offered.
fn next(queue: &mut Queue, index: usize, memory: &Memory) -> Result<Option<u16>, Broken> {
    if !queue.ready() {
        return Ok(None);
    }
    let mut chains = queue
        .iter(memory.mapping())
        .map_err(|error| Broken::Rings { queue: index, why: format!("is broken: {error}") })?;
    Ok(chains.next().map(|chain| chain.head_index()))
}

fn give_back(
    queue: &mut Queue,
    index: usize,
    memory: &Memory,
    head: u16,
    bytes: u32,
) -> Result<(), Broken> {
    queue
        .add_used(memory.mapping(), head, bytes)
        .map_err(|error| Broken::Rings { queue: index, why: format!("is broken: {error}") })
}

/// A chain of descriptors, as it is walked.
struct Chain {
    queue: usize,
    table: u64,
    size: u16,
    next: Option<u16>,
    steps: u16,
}

impl Chain {
    fn new(queue: &Queue, index: usize, head: u16) -> Self {
        let (table, size) = (queue.desc_table(), queue.size());
        Self { queue: index, table, size, next: Some(head), steps: 0 }
    }

    fn next(&mut self, memory: &Memory) -> Result<Option<Descriptor>, Broken> {
        let Some(index) = self.next else { return Ok(None) };
        if index >= self.size {
            return Err(self.broken(&format!("has descriptor {index} of {}", self.size)));
        }
        if self.steps == self.size {
            return Err(self.broken("has a chain that comes back to itself"));
        }
        self.steps += 1;
        let place = self.table + u64::from(index) * size_of::<Descriptor>() as u64;
        let descriptor: Descriptor = memory
            .mapping()
            .read_obj(GuestAddress(place))
            .map_err(|error| self.broken(&error.to_string()))?;
        if descriptor.refers_to_indirect_table() {
            return Err(self.broken("is indirect, which was not offered"));
        }
        self.next = descriptor.has_next().then(|| descriptor.next());
        Ok(Some(descriptor))
    }

    fn broken(&self, why: &str) -> Broken {
        Broken::Buffer { queue: self.queue, why: why.to_owned() }
    }

    fn outside(&self, error: &NoMemory) -> Broken {
        self.broken(&format!("is not the guest's: {error}"))
    }
}
