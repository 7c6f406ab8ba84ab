//! The built-in monitor: guests under KVM, in this process and in the caller's thread.
//!
//! ```text
//! machine   what KVM is asked for       registers  the processor as PVH boot enters
//! memory    the guest's, with its image boot_info  what it is told
//! run       the processor's loop: why it came out, what is done, in again
//! mmio      the console's registers     console    its queues, to and from the dialogue
//! kick      getting out of a system call when the call is to end
//! meter     how often the processor came out, and whether that is too often
//! farewell  ending before the machine does
//! ```
//!
//! There is one thread, and so no queue between guest and caller: what the guest sends is written
//! to STDOUT before it goes on, and STDIN is read when it waits, or has come out anyway and there is
//! more of a long input. Only this module opens /dev/kvm to use it.

mod boot_info;
mod console;
mod farewell;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod kick;
mod machine;
mod memory;
mod meter;
mod mmio;
mod registers;
mod run;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::time::Instant;

use ampoule_abi::layout::{DEVICE_BLOCK_BYTES, DEVICE_PARAMETER, DRIVEN_PARAMETER};

use super::LaunchError;
use super::hold::{Clock, Entry, Held};
use crate::context::ContextError;
use crate::host::{Accel, KvmProblem};
use crate::jail::{Inmate, Purpose};
use crate::session::Dialogue;
use crate::spec::LaunchSpec;
use farewell::Farewell;
use kick::Kick;
use machine::Machine;
use memory::{Memory, NoMemory};
use meter::Meter;
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
    farewell: Option<Farewell>,
    is_jailed: bool,
}

impl Remains {
    /// Has them outlive this process, whose descriptors are closed.
    pub(super) fn leave(self) {
        // A jailed process opens nothing: what could not be prepared before cannot be now. Without a
        // farewell, the machine is destroyed here.
        let late = || if self.is_jailed { None } else { Farewell::prepare().ok() };
        if let Some(farewell) = self.farewell.or_else(late) {
            farewell.leave(self.machine);
        }
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
    machine.enter(spec.image.facts(), boot_info::PLACE)?;
    let kicks = kicks(dialogue).map_err(LaunchError::system("set a timer"))?;
    let clock = spec.is_measured.then(|| clock(&machine, time_stamp_hz)).flatten();
    let farewell = if spec.jail.is_asked_for() { Farewell::prepare().ok() } else { None };
    let jail = spec.jail.enter(&inmate(spec, &machine, dialogue, farewell.as_ref()));
    let jail = jail.map_err(LaunchError::Jail)?;
    let entry = Entry { at: Instant::now(), clock };
    let mut meter = Meter::new(spec.exits_per_second);
    let ending = match console(spec, &machine) {
        Ok(mut console) => run::run(&mut machine, &mut console, dialogue, &mut meter),
        Err(broken) => broken.into(),
    };
    let ended = Instant::now();
    match jail {
        Some(_) => kicks.into_iter().flatten().for_each(Kick::silence),
        None => drop(kicks),
    }
    Ok(Held {
        ending,
        backend: "builtin",
        accel: Accel::Kvm,
        exits: Some(meter.exits),
        peak_memory_bytes: spec.is_measured.then(|| machine.memory.touched_bytes()).flatten(),
        prepared,
        launched,
        entry: Some(entry),
        ended,
        jail,
        remains: super::Remains::BuiltIn(Remains { machine, farewell, is_jailed: jail.is_some() }),
    })
}

fn clock(machine: &Machine, hz: u64) -> Option<Clock> {
    let ticks = machine.time_stamp()?;
    Some(Clock { at: Instant::now(), ticks, hz })
}

/// What a jailed process goes on to do, and with what.
fn inmate<I, O, E>(
    spec: &LaunchSpec,
    machine: &Machine,
    dialogue: &Dialogue<I, O, E>,
    farewell: Option<&Farewell>,
) -> Inmate {
    let mut inmate = Inmate {
        processor: machine.processor.as_raw_fd(),
        kept: vec![machine.machine.as_raw_fd()],
        purposes: Vec::new(),
    };
    inmate.kept.extend(dialogue.watch.descriptor().map(|bell| bell.as_raw_fd()));
    inmate.kept.extend(spec.image.file().map(AsRawFd::as_raw_fd));
    if let Some(farewell) = farewell {
        inmate.kept.extend(farewell.descriptors());
        inmate.purposes.push(Purpose::Leaving);
    }
    if spec.is_measured {
        inmate.purposes.push(Purpose::Measuring);
    }
    inmate
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

/// Timers that interrupt this thread when the call is to end: by the clock, and by the thread's
/// processor time if that is limited.
fn kicks<I, O, E>(dialogue: &Dialogue<I, O, E>) -> io::Result<[Option<Kick>; 2]> {
    let kick = Kick::new(kick::Clock::Monotonic)?;
    if let Some(deadline) = dialogue.watch.deadline() {
        kick.after(deadline.saturating_duration_since(Instant::now()))?;
    }
    let trigger = kick.trigger();
    dialogue.watch.on_stop(move || trigger.pull());
    let Some(cpu_time) = dialogue.watch.cpu_time_left() else { return Ok([Some(kick), None]) };
    let by_cpu_time = Kick::new(kick::Clock::ThreadCpuTime)?;
    by_cpu_time.after(cpu_time)?;
    Ok([kick, by_cpu_time].map(Some))
}
