//! The processor's loop: in, out for some reason, something done about it, in again.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;

use std::io::{Read, Write};

use ampoule_abi::layout::DEVICE_BLOCK_BYTES;
use kvm_ioctls::{VcpuExit, VcpuFd};

use super::console::{self, Broken, Filled, RECEIVE, TRANSMIT};
use super::machine::Machine;
use super::memory::Memory;
use super::meter::Meter;
use super::mmio::{self, Registers, Request};
use crate::guest::GuestEnd;
use crate::outcome::Exits;
use crate::session::{Dialogue, Ending};

/// What a bus reads where nothing answers.
const NOTHING_THERE: u8 = 0xff;

/// What is to be done before the processor goes on.
enum Wish {
    /// Nothing.
    GoOn,
    /// What the guest has sent is to be passed on.
    Send,
    /// What has come already is to be given to it.
    Fill,
    /// There must be something for it to do.
    Wait,
    /// The call has ended.
    End(Ending),
}

/// The console, as the processor's exits see it.
pub(super) struct Console {
    pub(super) registers: Registers,
    /// Whether it was handed over driven: a notification of the receive queue is then a wait.
    pub(super) is_driven: bool,
}

/// Runs the guest until its call ends, and counts why it came out.
pub(super) fn run<I: Read, O: Write, E: Write>(
    machine: &mut Machine,
    console: &mut Console,
    dialogue: &mut Dialogue<I, O, E>,
    meter: &mut Meter,
) -> Ending {
    let Machine { processor, memory, .. } = machine;
    loop {
        if let Some(ending) = dialogue.watch.ending().or_else(|| meter.ending()) {
            return ending;
        }
        let done =
            enter(processor, console, memory, &mut meter.exits).and_then(|wish| match wish {
                Wish::GoOn => Ok(None),
                Wish::Send => send(console, memory, dialogue),
                Wish::Fill => fill(console, memory, dialogue),
                Wish::Wait => wait(console, memory, dialogue),
                Wish::End(ending) => Ok(Some(ending)),
            });
        match done {
            Ok(None) => {}
            Ok(Some(ending)) => return ending,
            Err(broken) => return broken.into(),
        }
    }
}

/// Lets the processor run until it comes out.
fn enter(
    processor: &mut VcpuFd,
    console: &mut Console,
    memory: &Memory,
    exits: &mut Exits,
) -> Result<Wish, Broken> {
    let exit = match processor.run() {
        Ok(exit) => exit,
        Err(error) => return Ok(not_run(error, exits)),
    };
    let end = |end| Ok(Wish::End(Ending::Machine(end)));
    match exit {
        VcpuExit::MmioWrite(address, data) => {
            exits.mmio += 1;
            return write(console, memory, address, data);
        }
        VcpuExit::MmioRead(address, data) => {
            exits.mmio += 1;
            read(&console.registers, address, data);
        }
        VcpuExit::Hlt => {
            exits.halt += 1;
            return Ok(Wish::Wait);
        }
        VcpuExit::IoIn(_, data) => {
            exits.port += 1;
            data.fill(NOTHING_THERE);
        }
        VcpuExit::IoOut(..) => exits.port += 1,
        // A register of an interrupt controller that is not there.
        VcpuExit::SetTpr => exits.mmio += 1,
        VcpuExit::Shutdown | VcpuExit::SystemEvent(..) => return end(GuestEnd::Reset),
        VcpuExit::InternalError => {
            return end(GuestEnd::Stuck("it cannot emulate an instruction".to_owned()));
        }
        other => return end(GuestEnd::Stuck(format!("unexpected: {other:?}"))),
    }
    Ok(Wish::GoOn)
}

/// What follows from KVM's refusal to run the processor.
fn not_run(error: kvm_ioctls::Error, exits: &mut Exits) -> Wish {
    match error.errno() {
        libc::EINTR | libc::EAGAIN => {
            exits.interrupted += 1;
            Wish::GoOn
        }
        libc::EFAULT | libc::ENOMEM => Wish::End(Ending::Machine(GuestEnd::Failed(format!(
            "the host had no memory for the guest, or its image's file became shorter: KVM_RUN: {error}"
        )))),
        _ => Wish::End(Ending::Machine(GuestEnd::Stuck(format!("KVM_RUN: {error}")))),
    }
}

/// The register's offset in the console's block, of a whole and aligned access to it.
fn register(address: u64, bytes: usize) -> Option<u64> {
    let offset = address.checked_sub(mmio::PLACE)?;
    (offset < DEVICE_BLOCK_BYTES && offset % 4 == 0 && bytes == 4).then_some(offset)
}

fn read(registers: &Registers, address: u64, data: &mut [u8]) {
    match register(address, data.len()) {
        Some(offset) => data.copy_from_slice(&registers.read(offset).to_le_bytes()),
        None => data.fill(NOTHING_THERE),
    }
}

fn write(
    console: &mut Console,
    memory: &Memory,
    address: u64,
    data: &[u8],
) -> Result<Wish, Broken> {
    let Some((offset, value)) = register(address, data.len()).zip(data.first_chunk()) else {
        return Ok(Wish::GoOn);
    };
    let request = console.registers.write(offset, u32::from_le_bytes(*value), memory)?;
    let Request::Notify(queue) = request else { return Ok(Wish::GoOn) };
    Ok(match queue as usize {
        TRANSMIT => Wish::Send,
        RECEIVE if console.is_driven => Wish::Wait,
        RECEIVE => Wish::Fill,
        _ => Wish::GoOn,
    })
}

fn send<I: Read, O: Write, E: Write>(
    console: &mut Console,
    memory: &mut Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<Option<Ending>, Broken> {
    let is_driven = console.is_driven;
    let Some([receive, transmit]) = console.registers.queues() else { return Ok(None) };
    let ending = console::transmit(transmit, memory, dialogue)?.ending;
    if ending.is_none() && is_driven {
        console::receive_ahead(receive, memory, dialogue)?;
    }
    Ok(ending)
}

fn fill<I: Read, O: Write, E: Write>(
    console: &mut Console,
    memory: &mut Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<Option<Ending>, Broken> {
    match console.registers.queues() {
        Some(queues) if dialogue.input.is_ready() => {
            let filled = console::receive(&mut queues[RECEIVE], memory, dialogue)?;
            Ok(filled.err().map(Ending::StdinFailed))
        }
        _ => Ok(None),
    }
}

/// Waits until the guest has something to do; how the call ends, if it does instead.
fn wait<I: Read, O: Write, E: Write>(
    console: &mut Console,
    memory: &mut Memory,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<Option<Ending>, Broken> {
    let is_driven = console.is_driven;
    let mut queues = console.registers.queues();
    if let Some([_, transmit]) = &mut queues {
        let sent = console::transmit(transmit, memory, dialogue)?;
        // Whoever halts may wait for these; who notifies the receive queue does not.
        if sent.ending.is_some() || (sent.buffers > 0 && !is_driven) {
            return Ok(sent.ending);
        }
    }
    loop {
        let filled = match &mut queues {
            Some([receive, _]) => console::receive(receive, memory, dialogue)?,
            None => Ok(Filled::NoBuffer),
        };
        match filled {
            Ok(Filled::Yes) => break,
            Ok(Filled::Interrupted) => {}
            // Only the call's end can come now.
            Ok(Filled::NoBuffer | Filled::Nothing) => dialogue.watch.wait(None),
            Err(error) => return Ok(Some(Ending::StdinFailed(error))),
        }
        let ending = dialogue.watch.ending();
        if ending.is_some() {
            return Ok(ending);
        }
    }
    if let (true, Some([receive, _])) = (is_driven, &mut queues) {
        console::receive_ahead(receive, memory, dialogue)?;
    }
    Ok(None)
}
