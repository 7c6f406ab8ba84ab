//! The built-in monitor: guests under KVM, in this process and in the caller's thread.
//!
//! ```text
//! machine   what KVM is asked for       registers  the processor as PVH boot enters
//! memory    the guest's, with its image boot_info  what it is told
//! run       the processor's loop: why it came out, what is done, in again
//! mmio      the console's registers     console    its queues, to and from the dialogue
//! kick      getting out of a system call when the call is to end
//! farewell  ending before the machine does
//! ```
//!
//! There is one thread, and so no queue between guest and caller: what the guest sends is written
//! to STDOUT before it goes on, and STDIN is read when it waits. Only this module opens /dev/kvm to
//! use it.

mod boot_info;
mod console;
mod farewell;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod kick;
mod machine;
mod memory;
mod mmio;
mod registers;
mod run;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::time::Instant;

use ampoule_abi::layout::{DEVICE_BLOCK_BYTES, DEVICE_PARAMETER, DRIVEN_PARAMETER};

use super::LaunchError;
use super::hold::{Entry, Held};
use crate::context::ContextError;
use crate::host::{Accel, KvmProblem};
use crate::outcome::Exits;
use crate::session::Dialogue;
use crate::spec::LaunchSpec;
use kick::Kick;
use machine::Machine;
use memory::{Memory, NoMemory};
use mmio::Registers;

/// Why the built-in monitor did not run a guest.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no KVM.
    NoKvm(KvmProblem),
    /// There is no machine to be had.
    Launch(LaunchError),
    /// The function cannot be told what it is to be told.
    Context(ContextError),
}

impl From<NoMemory> for Refusal {
    fn from(error: NoMemory) -> Self {
        LaunchError::from(error).into()
    }
}

impl From<NoMemory> for LaunchError {
    fn from(error: NoMemory) -> Self {
        Self::system("fill the guest's memory")(io::Error::other(error))
    }
}

impl From<LaunchError> for Refusal {
    fn from(error: LaunchError) -> Self {
        Self::Launch(error)
    }
}

/// What is left of a machine whose guest has ended.
#[derive(Debug)]
pub struct Remains {
    machine: Machine,
}

impl Remains {
    /// Has them outlive this process, whose descriptors are closed.
    pub(super) fn leave(self) {
        farewell::leave(self.machine);
    }
}

/// Runs a guest in this thread. `start` makes the message `Start`, given the frequency of the
/// guest's time stamp counter in ticks per second.
pub(super) fn hold<I: Read, O: Write, E: Write>(
    spec: &LaunchSpec,
    start: impl Fn(u64) -> Result<Vec<u8>, ContextError>,
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<Held, Refusal> {
    let prepared = Instant::now();
    let mut memory = Memory::new(spec.memory_bytes)?;
    memory.load(&spec.image)?;
    let mut machine = Machine::new(spec.image.facts().machine, memory)?;
    let launched = Instant::now();
    let time_stamp_hz = machine.time_stamp_hz();
    let message = start(time_stamp_hz).map_err(Refusal::Context)?;
    tell(&mut machine, spec, &message, dialogue)?;
    machine.enter_at(spec.image.facts().pvh_entry, boot_info::PLACE)?;
    let kick = kick(dialogue).map_err(LaunchError::system("set a timer"))?;
    let time_stamp = spec.is_measured.then(|| machine.time_stamp()).flatten();
    let entry = Entry { at: Instant::now(), time_stamp: time_stamp.zip(Some(time_stamp_hz)) };
    let mut exits = Exits::default();
    let ending = match console(spec, &machine) {
        Ok(mut console) => run::run(&mut machine, &mut console, dialogue, &mut exits),
        Err(broken) => broken.into(),
    };
    let ended = Instant::now();
    drop(kick);
    Ok(Held {
        ending,
        backend: "builtin",
        accel: Accel::Kvm,
        exits: Some(exits),
        peak_memory_bytes: spec.is_measured.then(|| machine.memory.touched_bytes()).flatten(),
        prepared,
        launched,
        entry: Some(entry),
        ended,
        remains: super::Remains::BuiltIn(Remains { machine }),
    })
}

/// The console, driven already if the image says where its queues are.
fn console(spec: &LaunchSpec, machine: &Machine) -> Result<run::Console, console::Broken> {
    let note = spec.image.facts().machine;
    let registers = match &note {
        Some(note) => Registers::driven(note, &machine.memory)?,
        None => Registers::new(),
    };
    Ok(run::Console { registers, is_driven: note.is_some() })
}

/// Leaves the guest what it is told at boot, `Start` included, which is sent instead if it is too
/// long for that.
fn tell<I: Read, O, E>(
    machine: &mut Machine,
    spec: &LaunchSpec,
    message: &[u8],
    dialogue: &mut Dialogue<I, O, E>,
) -> Result<(), LaunchError> {
    let mut command_line =
        format!("{DEVICE_PARAMETER}{DEVICE_BLOCK_BYTES}@{:#x}:{}", mmio::PLACE, mmio::INTERRUPT);
    if spec.image.facts().machine.is_some() {
        command_line = format!("{command_line} {DRIVEN_PARAMETER}");
    }
    let write = |module| boot_info::write(spec.memory_bytes, &command_line, module);
    let information = match write(Some(message)) {
        Some(information) => information,
        None => {
            dialogue.input.begin_with(message);
            write(None).expect("the rest is short")
        }
    };
    let length = information.len() as u64;
    machine.memory.slice_mut(boot_info::PLACE, length)?.copy_from_slice(&information);
    Ok(())
}

/// A timer that interrupts this thread when the call is to end.
fn kick<I, O, E>(dialogue: &Dialogue<I, O, E>) -> io::Result<Kick> {
    let kick = Kick::new()?;
    if let Some(deadline) = dialogue.watch.deadline() {
        kick.at(deadline)?;
    }
    let trigger = kick.trigger();
    dialogue.watch.on_stop(move || trigger.pull());
    Ok(kick)
}
