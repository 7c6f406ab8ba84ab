//! The console against hostile guests, without a processor: what happens to the guest's memory and
//! to STDOUT is what a model of the device says, byte for byte.

mod driver;
mod machine;
mod model;

use ampoule_abi::note::{MachineNote, QueueAddresses};
use virtio_queue::QueueT;

pub use self::driver::driver;
pub(super) use self::machine::{MEMORY_BYTES, Talk, with_memory};
use self::model::Model;
use super::boot_info;
use super::console::{self, RECEIVE, TRANSMIT};
use super::memory::Memory;
use super::mmio::Registers;
pub use super::run::fuzz::registers;
use crate::fuzz::Choices;

/// Where a guest finds what it is told at boot, and what it finds there if there is room.
pub(crate) fn boot_information(
    memory_bytes: u64,
    command_line: &str,
    module: &[u8],
) -> (u64, Option<Vec<u8>>) {
    (boot_info::PLACE, boot_info::write(memory_bytes, command_line, Some(module)))
}

/// Any contents of a guest's memory, rings anywhere in it, and notifications.
pub fn virtqueue(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let size = 1 << (choices.byte() % 9);
    let note = MachineNote {
        asks_processor: false,
        size,
        receive: addresses(&mut choices),
        transmit: addresses(&mut choices),
    };
    let stdin_bytes = choices.byte().into();
    let stdin = choices.bytes(stdin_bytes);
    with_memory(|memory| {
        let mut model = Model::new(note, stdin);
        let Ok(registers) = Registers::driven(&note, memory) else {
            return assert!(!model.is_sound(), "{note:?} is sound");
        };
        assert!(model.is_sound(), "{note:?} is not sound");
        model.begin();
        run(registers, memory, model, choices);
    });
}

/// Mostly where rings may be, sometimes anywhere.
fn addresses(choices: &mut Choices<'_>) -> QueueAddresses {
    let mut address = |alignment| match choices.short() {
        u16::MAX => choices.long(),
        address => u64::from(address) / alignment * alignment,
    };
    QueueAddresses { descriptors: address(16), driver: address(2), device: address(4) }
}

fn run(
    mut registers: Registers,
    memory: &mut Memory,
    mut model: Model<'_>,
    mut choices: Choices<'_>,
) {
    let mut talk = Talk::new(model.stdin);
    while !choices.is_empty() {
        let goes_on = match choices.byte() % 6 {
            0 => {
                let queue = &mut registers.queues().expect("driven")[TRANSMIT];
                let sent = console::transmit(queue, memory, &mut talk.dialogue);
                let goes_on = sent.as_ref().is_ok_and(|sent| sent.ending.is_none());
                assert!(sent.is_err() || sent.is_ok_and(|sent| sent.buffers <= queue.size()));
                assert_eq!(model.transmit(), goes_on);
                goes_on
            }
            1 => {
                let queue = &mut registers.queues().expect("driven")[RECEIVE];
                let filled = console::receive(queue, memory, &mut talk.dialogue);
                let filled = filled.map(|filled| filled.expect("memory does not fail"));
                assert_eq!(model.receive(), filled.is_ok());
                filled.is_ok()
            }
            2 => {
                let (address, length) = (choices.short(), choices.byte());
                put(memory, &mut model, address.into(), choices.bytes(length.into()));
                true
            }
            3 => {
                // One that is sound enough to be read.
                let (queue, index) = (queue(&model, &mut choices), choices.byte());
                let mut descriptor = u64::from(choices.short()).to_le_bytes().to_vec();
                descriptor.extend(u32::from(choices.short()).to_le_bytes());
                descriptor.extend((choices.byte() & 3).to_le_bytes());
                descriptor.extend([0, choices.byte(), 0]);
                put(memory, &mut model, queue.descriptors + 16 * u64::from(index), &descriptor);
                true
            }
            _ => {
                let (queue, head) = (queue(&model, &mut choices), choices.byte());
                let index = model.short(queue.driver + 2);
                let slot = queue.driver + 4 + 2 * u64::from(index % model.note.size);
                put(memory, &mut model, slot, &u16::from(head).to_le_bytes());
                put(memory, &mut model, queue.driver + 2, &index.wrapping_add(1).to_le_bytes());
                true
            }
        };
        let contents = memory.slice(0, MEMORY_BYTES).expect("all of it");
        assert!(contents == model.memory, "the device wrote what it should not have");
        let heard = model.heard();
        assert!(talk.stdout() == heard.stdout && talk.stderr() == heard.stderr);
        if !goes_on {
            break;
        }
    }
}

fn queue(model: &Model<'_>, choices: &mut Choices<'_>) -> QueueAddresses {
    if choices.byte() & 1 == 0 { model.note.transmit } else { model.note.receive }
}

/// Has the guest write to its memory.
fn put(memory: &mut Memory, model: &mut Model<'_>, address: u64, bytes: &[u8]) {
    let end = (address + bytes.len() as u64).min(MEMORY_BYTES);
    let length = end.saturating_sub(address);
    let Ok(room) = memory.slice_mut(address, length) else { return };
    room.copy_from_slice(&bytes[..length as usize]);
    model.memory[address as usize..end as usize].copy_from_slice(&bytes[..length as usize]);
}
