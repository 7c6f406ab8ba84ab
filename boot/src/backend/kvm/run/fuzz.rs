//! The console's registers, as a guest's accesses reach them.

use std::time::Instant;

use virtio_queue::{Queue, QueueT};

use super::{Console, NOTHING_THERE, Wish, fill, read, send, wait, write};
use crate::backend::kvm::fuzz::{MEMORY_BYTES, Talk, with_memory};
use crate::backend::kvm::memory::Memory;
use crate::backend::kvm::mmio::{PLACE, Registers};
use crate::fuzz::Choices;

/// Any accesses to any addresses, of any length, and what follows from them.
pub fn registers(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let is_driven = choices.byte() & 1 == 1;
    let mut console = Console { registers: Registers::new(), is_driven };
    let mut talk = Talk::new(b"input");
    with_memory(|memory| {
        while !choices.is_empty() {
            let kind = choices.byte();
            let wish = match kind % 8 {
                0 => {
                    let (address, length) = (choices.short(), choices.byte() % 9);
                    look(
                        &console,
                        PLACE.wrapping_add_signed(address.cast_signed().into()),
                        length.into(),
                    );
                    continue;
                }
                1 => {
                    let (address, length) = (choices.long(), choices.byte() % 9);
                    write(&mut console, memory, address, choices.bytes(length.into()))
                }
                2 => {
                    let address = u64::from(choices.short()) % MEMORY_BYTES;
                    let bytes = choices.bytes(8);
                    let room = memory.slice_mut(address, bytes.len() as u64);
                    if let Ok(room) = room {
                        room.copy_from_slice(bytes);
                    }
                    continue;
                }
                3 => Ok(Wish::Wait),
                // Most of the time, what a driver does.
                _ => {
                    let offset = u64::from(choices.byte() % 128) * 4;
                    let value = choices.word().to_le_bytes();
                    write(&mut console, memory, PLACE + offset, &value)
                }
            };
            let Ok(wish) = wish else { return };
            assert_sound(&mut console, memory);
            if !grant(wish, &mut console, memory, &mut talk) {
                return;
            }
        }
    });
}

/// What lies in no register reads as nothing does, and reading changes nothing.
fn look(console: &Console, address: u64, length: usize) {
    let (mut data, mut again) = ([0; 8], [0; 8]);
    read(&console.registers, address, &mut data[..length]);
    read(&console.registers, address, &mut again[..length]);
    assert_eq!(data, again);
    let offset = address.wrapping_sub(PLACE);
    if length != 4 || offset >= 512 || !offset.is_multiple_of(4) {
        assert!(data[..length].iter().all(|&byte| byte == NOTHING_THERE));
    } else if offset == 0 {
        assert_eq!(&data[..4], b"virt");
    }
}

/// The device touches queues only after the driver's word, and only such as are in memory.
fn assert_sound(console: &mut Console, memory: &Memory) {
    let mut status = [0; 4];
    read(&console.registers, PLACE + 0x70, &mut status);
    let queues = console.registers.queues();
    assert_eq!(queues.is_some(), status[0] & 4 != 0);
    for queue in queues.into_iter().flatten().filter(|queue| queue.ready()) {
        let size = u64::from(queue.size());
        assert!(size.is_power_of_two() && size <= 256);
        let parts = [(Queue::desc_table(queue), 16 * size), (queue.avail_ring(), 6 + 2 * size)];
        for (address, bytes) in parts.into_iter().chain([(queue.used_ring(), 6 + 8 * size)]) {
            assert!(memory.slice(address, bytes).is_ok(), "{bytes} bytes at {address:#x}");
        }
    }
}

/// Does what the monitor's loop does; whether the call goes on.
fn grant(wish: Wish, console: &mut Console, memory: &mut Memory, talk: &mut Talk<'_>) -> bool {
    let dialogue = &mut talk.dialogue;
    let ending = match wish {
        Wish::GoOn => return true,
        Wish::Send => send(console, memory, dialogue),
        Wish::Fill => fill(console, memory, dialogue),
        Wish::Wait => {
            // There is nobody to wake this: what would be waited for does not come.
            dialogue.watch.set_deadline(Some(Instant::now()));
            let ending = wait(console, memory, dialogue);
            dialogue.watch.set_deadline(None);
            ending
        }
        Wish::End(_) => return false,
    };
    ending.is_ok_and(|ending| ending.is_none())
}
