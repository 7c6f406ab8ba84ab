//! The guest's side of a queue against the monitor's, and against a device that lies.
#![allow(unsafe_code)]

use ampoule_abi::layout::QUEUE_SIZE;
use ampoule_abi::note::{MachineNote, QueueAddresses};
use vm_memory::{GuestAddress, GuestMemoryBackend};

use super::{Talk, with_memory};
use crate::backend::kvm::console::{self, TRANSMIT};
use crate::backend::kvm::memory::Memory;
use crate::backend::kvm::mmio::Registers;
use crate::fuzz::Choices;
use crate::fuzz::guest::memory as guest_memory;
use crate::fuzz::guest::queue::{Queue, Rings};

/// Guest-physical addresses of the rings of the transmit queue and of the receive queue.
const RINGS: u64 = 0x1000;
const RECEIVE_RINGS: u64 = 0x1800;
const BUFFERS: u64 = 0x2000;
const BUFFER_BYTES: u64 = 64;
const SIZE: usize = QUEUE_SIZE as usize;

/// The guest's rings of a queue, where the monitor finds them.
///
/// # Safety
///
/// `memory` outlives all use of them, and no reference to their part of it is used meanwhile.
unsafe fn rings(memory: &Memory, address: u64) -> &'static Rings {
    let start = memory.mapping().get_host_address(GuestAddress(0)).expect("it is in memory");
    guest_memory::begins_at(start.expose_provenance() as u64);
    let place = start.wrapping_add(address as usize).cast::<Rings>();
    // SAFETY: it is in memory and aligned, anything is a value of atomics, and the caller keeps to
    // the rest.
    unsafe { &*place }
}

fn note(receive: &'static Rings, transmit: &'static Rings) -> MachineNote {
    let [receive, transmit] = [receive, transmit].map(|rings| {
        let [descriptors, driver, device] = rings.addresses();
        QueueAddresses { descriptors, driver, device }
    });
    MachineNote { asks_processor: false, size: QUEUE_SIZE, receive, transmit }
}

/// Buffers that are offered and taken back, with a device that does its part, or that writes what it
/// likes: a buffer comes back only if the device has it.
pub fn driver(bytes: &[u8]) {
    with_memory(|memory| {
        // SAFETY: the queue is gone before this returns, and its part of memory is written below
        // only by copies that are over at once.
        let transmit = unsafe { rings(memory, RINGS) };
        // SAFETY: as above.
        let receive = unsafe { rings(memory, RECEIVE_RINGS) };
        let mut queue = Queue::new(transmit);
        let note = note(receive, transmit);
        let mut registers = Registers::driven(&note, memory).expect("sound rings");
        let mut talk = Talk::new(b"");
        let (mut choices, mut with_device) = (Choices::new(bytes), [false; SIZE]);
        while !choices.is_empty() {
            let choice = choices.byte();
            let buffer = usize::from(choice >> 4) % SIZE;
            match choice % 4 {
                0 if !with_device[buffer] => {
                    let address = BUFFERS + buffer as u64 * BUFFER_BYTES;
                    let bytes = memory.slice(address, 0).expect("it is in memory");
                    queue.offer(buffer, bytes, false);
                    with_device[buffer] = true;
                }
                1 => match queue.take() {
                    Ok(Some(returned)) => {
                        assert!(std::mem::take(&mut with_device[returned.buffer]));
                    }
                    Ok(None) => assert!(!queue.has_returned()),
                    // The guest gives up.
                    Err(_) => return,
                },
                2 => {
                    let queue = &mut registers.queues().expect("driven")[TRANSMIT];
                    if console::transmit(queue, memory, &mut talk.dialogue).is_err() {
                        return;
                    }
                }
                _ => {
                    let (at, length) = (u64::from(choices.byte()), choices.byte() % 16);
                    let bytes = choices.bytes(length.into());
                    let end = (at + bytes.len() as u64).min(size_of::<Rings>() as u64);
                    let length = end.saturating_sub(at);
                    let room = memory.slice_mut(RINGS + at, length).expect("it is in memory");
                    room.copy_from_slice(&bytes[..length as usize]);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::kvm::console::RECEIVE;

    /// Buffers are used in bursts of 1 to as many as there are, until both indexes have had every
    /// value and a few again.
    fn at_every_position(mut burst: impl FnMut(usize, usize)) {
        let mut position = 0;
        while position < (1 << 16) + 64 {
            let buffers = 1 + position % SIZE;
            burst(position, buffers);
            position += buffers;
        }
    }

    /// Both sides of both queues, over the same memory.
    fn with_queues(body: impl FnOnce([Queue; 2], Registers, &mut Memory)) {
        with_memory(|memory| {
            // SAFETY: the queues are gone before this returns, and their part of memory is not
            // referred to.
            let receive = unsafe { rings(memory, RECEIVE_RINGS) };
            // SAFETY: as above.
            let transmit = unsafe { rings(memory, RINGS) };
            let note = note(receive, transmit);
            let registers = Registers::driven(&note, memory).expect("sound rings");
            body([receive, transmit].map(Queue::new), registers, memory);
        });
    }

    fn room(memory: &mut Memory, buffer: usize) -> &mut [u8] {
        let address = BUFFERS + buffer as u64 * BUFFER_BYTES;
        memory.slice_mut(address, BUFFER_BYTES).expect("it is in memory")
    }

    fn take(queue: &mut Queue) -> (usize, usize) {
        let returned = queue.take().ok().flatten().expect("it came back");
        (returned.buffer, returned.bytes)
    }

    #[test]
    fn what_is_sent_arrives_at_every_position_of_the_indexes() {
        with_queues(|[_, mut queue], mut registers, memory| {
            let (mut talk, mut expected) = (Talk::new(b""), Vec::new());
            at_every_position(|position, buffers| {
                for buffer in 0..buffers {
                    let byte = (position + buffer) as u8;
                    let ready = [4, 0x0a, 2, 8, 1];
                    let stdout = [3, 0x12, 1, byte];
                    let frame = if position == 0 { &ready[..] } else { &stdout };
                    expected.extend((position > 0).then_some(byte));
                    let room = &mut room(memory, buffer)[..frame.len()];
                    room.copy_from_slice(frame);
                    queue.offer(buffer, room, false);
                }
                assert!(!queue.has_returned());
                let device = &mut registers.queues().expect("driven")[TRANSMIT];
                let sent = console::transmit(device, memory, &mut talk.dialogue);
                assert!(sent.is_ok_and(|sent| sent.ending.is_none()));
                for buffer in 0..buffers {
                    assert_eq!(take(&mut queue), (buffer, 0));
                }
                assert!(queue.take().is_ok_and(|returned| returned.is_none()));
            });
            assert!(talk.stdout() == expected);
        });
    }

    #[test]
    fn what_is_received_arrives_at_every_position_of_the_indexes() {
        /// Of STDIN, what fits a buffer in one frame.
        const PAYLOAD_BYTES: usize = BUFFER_BYTES as usize - 8;
        let frames = (1 << 16) + 128;
        let stdin: Vec<u8> = (0..frames * PAYLOAD_BYTES).map(|at| (at / 7) as u8).collect();
        with_queues(|[mut queue, _], mut registers, memory| {
            let (mut talk, mut rest) = (Talk::new(&stdin), stdin.chunks(PAYLOAD_BYTES));
            at_every_position(|_, buffers| {
                for buffer in 0..buffers {
                    queue.offer(buffer, room(memory, buffer), true);
                }
                for buffer in 0..buffers {
                    let device = &mut registers.queues().expect("driven")[RECEIVE];
                    let filled = console::receive(device, memory, &mut talk.dialogue);
                    assert!(matches!(filled, Ok(Ok(console::Filled::Yes))));
                    let (returned, bytes) = take(&mut queue);
                    assert_eq!((returned, bytes), (buffer, PAYLOAD_BYTES + 3));
                    assert_eq!(room(memory, buffer)[3..bytes], *rest.next().expect("more"));
                }
                assert!(queue.take().is_ok_and(|returned| returned.is_none()));
            });
        });
    }
}
