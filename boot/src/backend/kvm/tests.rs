//! The device against drivers that break its rules; no virtual machine is needed for that.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use ampoule_abi::ABI_VERSION;
use ampoule_abi::note::{MachineNote, QueueAddresses};
use proptest::prelude::*;
use virtio_queue::QueueT;

use super::console::{self, Filled, RECEIVE, TRANSMIT};
use super::memory::Memory;
use super::mmio::{Registers, Request};
use crate::session::traffic::Traffic;
use crate::session::{Dialogue, Ending, Input, Output, Peek, Watch};

const MEMORY_BYTES: u64 = 4 << 20;
const SIZE: u16 = 8;
const NOTE: MachineNote = MachineNote {
    asks_processor: false,
    size: SIZE,
    receive: queue(0x1000),
    transmit: queue(0x2000),
};
const BUFFER: u64 = 0x10_000;

/// `Ready`, as its frame.
const READY: [u8; 5] = [4, 0x0a, 2, 8, ABI_VERSION as u8];

const fn queue(at: u64) -> QueueAddresses {
    QueueAddresses { descriptors: at, driver: at + 0x100, device: at + 0x200 }
}

type Talk = Dialogue<&'static [u8], Vec<u8>, io::Sink>;

fn dialogue(stdin: &'static [u8]) -> Talk {
    dialogue_with(stdin, Peek::default())
}

fn dialogue_with(stdin: &'static [u8], peek: Peek) -> Talk {
    let traffic = Arc::new(Traffic::since(Instant::now()));
    Dialogue {
        input: Input::new(stdin, peek, Arc::clone(&traffic)),
        output: Output::new(Vec::new(), io::sink(), ABI_VERSION, traffic),
        watch: Watch::new(),
    }
}

struct Machine {
    memory: Memory,
    registers: Registers,
}

impl Machine {
    fn new() -> Self {
        let memory = Memory::new(MEMORY_BYTES).expect("memory");
        let registers = Registers::driven(&NOTE, &memory).expect("a sound note");
        Self { memory, registers }
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        let room = self.memory.slice_mut(address, bytes.len() as u64).expect("inside of memory");
        room.copy_from_slice(bytes);
    }

    fn descriptor(&mut self, queue: QueueAddresses, index: u64, of: (u64, u32, u16, u16)) {
        let (address, bytes, flags, next) = of;
        let mut descriptor = address.to_le_bytes().to_vec();
        descriptor.extend(bytes.to_le_bytes());
        descriptor.extend(flags.to_le_bytes());
        descriptor.extend(next.to_le_bytes());
        self.put(queue.descriptors + index * 16, &descriptor);
    }

    /// Offers these heads.
    fn offer(&mut self, queue: QueueAddresses, heads: &[u16]) {
        let heads_at = queue.driver + 4;
        for (index, head) in heads.iter().enumerate() {
            self.put(heads_at + 2 * index as u64, &head.to_le_bytes());
        }
        self.put(queue.driver + 2, &(heads.len() as u16).to_le_bytes());
    }

    fn transmit(&mut self, dialogue: &mut Talk) -> Result<Option<Ending>, String> {
        let queue = &mut self.registers.queues().expect("driven")[TRANSMIT];
        let sent = console::transmit(queue, &self.memory, dialogue);
        sent.map(|sent| sent.ending).map_err(|broken| broken.to_string())
    }

    fn receive(&mut self, dialogue: &mut Talk) -> Result<Filled, String> {
        let queue = &mut self.registers.queues().expect("driven")[RECEIVE];
        console::receive(queue, &mut self.memory, dialogue)
            .map(|filled| filled.expect("memory does not fail"))
            .map_err(|broken| broken.to_string())
    }

    fn receive_ahead(&mut self, dialogue: &mut Talk) -> Result<(), String> {
        let queue = &mut self.registers.queues().expect("driven")[RECEIVE];
        console::receive_ahead(queue, &mut self.memory, dialogue)
            .map_err(|broken| broken.to_string())
    }
}

/// Buffers that were given back.
fn used(machine: &Machine, queue: QueueAddresses) -> u16 {
    let index = machine.memory.slice(queue.device + 2, 2).expect("an index");
    u16::from_le_bytes([index[0], index[1]])
}

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

#[test]
fn what_is_sent_is_passed_on_and_what_is_received_is_framed() {
    let (mut machine, mut dialogue) = (Machine::new(), dialogue(b"in"));
    machine.put(BUFFER, &READY);
    machine.put(BUFFER + 100, b"\x05\x12\x03out");
    machine.descriptor(NOTE.transmit, 0, (BUFFER, 5, NEXT, 5));
    machine.descriptor(NOTE.transmit, 5, (BUFFER + 100, 6, 0, 0));
    machine.offer(NOTE.transmit, &[0]);
    assert!(machine.transmit(&mut dialogue).is_ok_and(|ending| ending.is_none()));
    assert!(dialogue.output.has_begun());
    machine.descriptor(NOTE.receive, 3, (BUFFER, 100, WRITE, 0));
    machine.offer(NOTE.receive, &[3]);
    assert!(matches!(machine.receive(&mut dialogue), Ok(Filled::Yes)));
    assert_eq!(machine.memory.slice(BUFFER, 5).expect("a frame"), b"\x04\x12\x02in");
    assert!(matches!(machine.receive(&mut dialogue), Ok(Filled::NoBuffer)));
}

#[test]
fn a_stdin_that_flows_fills_what_was_offered_without_being_asked() {
    const BYTES: u64 = 66_000;
    static STDIN: [u8; 150_000] = [7; 150_000];
    let offering = |buffers: u16| {
        let mut machine = Machine::new();
        let heads: Vec<u16> = (0..buffers).collect();
        for &head in &heads {
            let address = BUFFER + u64::from(head) * BYTES;
            machine.descriptor(NOTE.receive, head.into(), (address, BYTES as u32, WRITE, 0));
        }
        machine.offer(NOTE.receive, &heads);
        machine
    };
    for (buffers, is_ready, expected) in [(5, true, 4), (2, true, 2), (5, false, 1)] {
        let mut dialogue = dialogue_with(&STDIN, Peek(Box::new(move || is_ready)));
        let mut machine = offering(buffers);
        machine.receive_ahead(&mut dialogue).expect("no rule is broken");
        assert_eq!(used(&machine, NOTE.receive), 0, "the guest has not asked for any yet");
        assert!(matches!(machine.receive(&mut dialogue), Ok(Filled::Yes)));
        machine.receive_ahead(&mut dialogue).expect("no rule is broken");
        assert_eq!(used(&machine, NOTE.receive), expected, "{buffers} buffers, {is_ready}");
        if expected == 4 {
            let end = machine.memory.slice(BUFFER + 3 * BYTES, 3).expect("a frame");
            assert_eq!(end, b"\x02\x1a\x00");
        }
    }
    let mut dialogue = dialogue_with(&STDIN, Peek(Box::new(|| true)));
    let mut machine = offering(5);
    assert!(matches!(machine.receive(&mut dialogue), Ok(Filled::Yes)));
    dialogue.watch.set_deadline(Some(Instant::now()));
    machine.receive_ahead(&mut dialogue).expect("no rule is broken");
    assert_eq!(used(&machine, NOTE.receive), 1, "the call is over");
}

#[test]
fn each_broken_rule_is_named() {
    let cases = [
        ((BUFFER, 4, WRITE, 0), "written to"),
        ((BUFFER, 4, INDIRECT, 0), "indirect"),
        ((BUFFER, 0, NEXT, 0), "back to itself"),
        ((BUFFER, 0, NEXT, SIZE), "descriptor 8 of 8"),
        ((BUFFER, u32::MAX, 0, 0), "4294967295 bytes at 0x10000"),
        ((u64::MAX - 1, 4, 0, 0), "not the guest's"),
        ((MEMORY_BYTES - 3, 4, 0, 0), "not the guest's"),
    ];
    for (descriptor, expected) in cases {
        let mut machine = Machine::new();
        machine.put(BUFFER, &READY[..4]);
        machine.descriptor(NOTE.transmit, 0, descriptor);
        machine.offer(NOTE.transmit, &[0]);
        let broken = machine.transmit(&mut dialogue(b"")).expect_err(expected);
        assert!(broken.contains(expected) && broken.contains("virtqueue 1"), "{broken}");
    }
    let mut machine = Machine::new();
    machine.descriptor(NOTE.receive, 0, (BUFFER, 100, 0, 0));
    machine.offer(NOTE.receive, &[0]);
    let broken = machine.receive(&mut dialogue(b"x")).err().expect("not writable");
    assert!(broken.contains("is to be filled"), "{broken}");
}

#[test]
fn frames_without_data_do_not_outlast_a_deadline() {
    let (mut machine, mut dialogue) = (Machine::new(), dialogue(b""));
    let frames: Vec<u8> = b"\x02\x12\x00".repeat(1 << 20);
    machine.put(BUFFER, &READY);
    machine.put(BUFFER + READY.len() as u64, &frames);
    let bytes = (READY.len() + frames.len()) as u32;
    machine.descriptor(NOTE.transmit, 0, (BUFFER, bytes, 0, 0));
    machine.offer(NOTE.transmit, &[0]);
    dialogue.watch.set_deadline(Some(Instant::now()));
    let ending = machine.transmit(&mut dialogue).expect("no rule is broken");
    assert!(matches!(ending, Some(Ending::DeadlineExceeded)), "{ending:?}");
}

#[test]
fn an_index_that_runs_away_is_named() {
    let mut machine = Machine::new();
    machine.put(NOTE.transmit.driver + 2, &(SIZE + 1).to_le_bytes());
    let broken = machine.transmit(&mut dialogue(b"")).expect_err("more than there are");
    assert!(broken.contains("virtqueue 1 is broken"), "{broken}");
}

#[test]
fn indexes_go_on_past_their_wrap() {
    let (mut machine, mut dialogue) = (Machine::new(), dialogue(b""));
    machine.descriptor(NOTE.transmit, 0, (BUFFER, 0, 0, 0));
    let mut index: u16 = 0;
    for _ in 0..=u32::from(u16::MAX) + 10 {
        index = index.wrapping_add(1);
        machine.put(NOTE.transmit.driver + 2, &index.to_le_bytes());
        assert!(machine.transmit(&mut dialogue).is_ok_and(|ending| ending.is_none()));
    }
    assert_eq!(used(&machine, NOTE.transmit), index);
}

/// A driver of the standard's own steps (virtio 1.2, 3.1.1).
fn set_up(machine: &mut Machine, size: u32, addresses: QueueAddresses) -> Result<(), String> {
    machine.registers = Registers::new();
    let QueueAddresses { descriptors, driver, device } = addresses;
    let steps = [
        (0x70, 3),
        (0x24, 1),
        (0x20, 1),
        (0x70, 11),
        (0x30, 1),
        (0x38, size),
        (0x80, descriptors as u32),
        (0x84, (descriptors >> 32) as u32),
        (0x90, driver as u32),
        (0x94, (driver >> 32) as u32),
        (0xa0, device as u32),
        (0xa4, (device >> 32) as u32),
        (0x44, 1),
        (0x70, 15),
    ];
    for (offset, value) in steps {
        let done = machine.registers.write(offset, value, &machine.memory);
        done.map_err(|broken| broken.to_string())?;
    }
    Ok(())
}

#[test]
fn a_driver_sets_the_device_up_step_by_step() {
    let mut machine = Machine::new();
    set_up(&mut machine, SIZE.into(), NOTE.transmit).expect("the steps are right");
    assert_eq!(machine.registers.read(0x70), 15);
    let queues = machine.registers.queues().expect("DRIVER_OK");
    assert!(queues[TRANSMIT].ready() && !queues[RECEIVE].ready());
    machine.registers.write(0x70, 11, &machine.memory).expect("a status");
    assert!(machine.registers.queues().is_none(), "before DRIVER_OK");
    for (size, addresses, expected) in [
        (0, NOTE.transmit, "0 entries"),
        (3, NOTE.transmit, "3 entries"),
        (512, NOTE.transmit, "512 entries"),
        (8, QueueAddresses { descriptors: 8, ..NOTE.transmit }, "not aligned"),
        (8, QueueAddresses { device: MEMORY_BYTES - 4, ..NOTE.transmit }, "not the guest's"),
        (8, QueueAddresses { driver: u64::MAX - 1, ..NOTE.transmit }, "not the guest's"),
    ] {
        let broken = set_up(&mut machine, size, addresses).expect_err(expected);
        assert!(broken.contains(expected) && broken.contains("virtqueue 1"), "{broken}");
    }
}

#[test]
fn features_that_are_not_offered_are_not_agreed_to() {
    let machine = Machine::new();
    let mut registers = Registers::new();
    for (offset, value) in [(0x70, 3), (0x20, u32::MAX), (0x24, 1), (0x20, u32::MAX), (0x70, 11)] {
        let done = registers.write(offset, value, &machine.memory);
        assert!(matches!(done, Ok(Request::Nothing)));
    }
    assert_eq!(registers.read(0x70), 3);
}

proptest! {
    #[test]
    fn any_rings_end_in_a_word_or_in_a_rule(
        bytes in proptest::collection::vec(any::<u8>(), 0x300),
        heads in 0..=SIZE,
        small: bool,
    ) {
        let mut machine = Machine::new();
        for queue in [NOTE.receive, NOTE.transmit] {
            machine.put(queue.descriptors, &bytes);
            machine.put(queue.driver + 2, &heads.to_le_bytes());
            for index in 0..u64::from(SIZE) * u64::from(small) {
                // Most addresses are none of the guest's: these are.
                machine.put(queue.descriptors + index * 16 + 3, &[0; 5]);
                machine.put(queue.descriptors + index * 16 + 10, &[0; 2]);
            }
        }
        static STDIN: [u8; 70_000] = [7; 70_000];
        let mut dialogue = dialogue_with(&STDIN, Peek(Box::new(|| true)));
        let _ = machine.transmit(&mut dialogue);
        let _ = machine.receive(&mut dialogue);
        let _ = machine.receive_ahead(&mut dialogue);
    }

    #[test]
    fn any_writes_to_registers_end_in_a_word_or_in_a_rule(
        writes in proptest::collection::vec((0u64..0x200, any::<u32>()), 0..200),
    ) {
        let machine = Machine::new();
        let mut registers = Registers::new();
        for (offset, value) in writes {
            let _ = registers.write(offset & !3, value, &machine.memory);
            let _ = registers.read(offset);
        }
    }
}
