//! What ties a process to another and keeps from it what is not its own; how one ends.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

/// Has the kernel kill the process that `command` starts as soon as the thread that starts it
/// ends, however that comes about: not even `kill -9` of the launcher leaves it behind.
///
/// The caller keeps the starting thread alive for as long as the process is wanted.
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may run and nothing may be
    // allocated. `tie_to` makes two system calls, and its error is a constant.
    unsafe { command.pre_exec(move || tie_to(parent)) };
}

/// Has the kernel kill this process as soon as the thread of `parent` that started it ends; an error
/// if it has ended. Two system calls, prctl and getppid, through wrappers that are nothing else.
fn tie_to(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above took effect; then nobody would signal.
    match getppid() == Some(parent) {
        true => Ok(()),
        false => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Has the process that `command` starts get none of this process's descriptors from `first` on,
/// not even those that this process was itself given and that are inherited by default.
///
/// To be called after whatever else gives the process descriptors.
pub(crate) fn withhold_descriptors(command: &mut Command, first: u32) {
    let arguments = [first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC].map(libc::c_long::from);
    let mark = move || -> io::Result<()> {
        let [first, last, flags] = arguments;
        // Linux before 5.11 cannot do this. What the process is then given are descriptors that
        // someone made inheritable on purpose, which is no reason to start nothing.
        // SAFETY: the system call takes three numbers and reads and writes no memory; with this
        // flag it closes nothing but marks what is open to be closed by exec, so no descriptor
        // that somebody still uses goes away.
        let _ = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe functions may run and nothing may be
    // allocated. `mark` makes one system call, through a function that is nothing but that.
    unsafe { command.pre_exec(mark) };
}

/// Ends this process at once. A jailed one cannot end as others do: on the way from `main`, the
/// standard library gives back what the kernel takes anyway, with system calls that are not allowed.
///
/// May be called in a signal's handler.
pub fn exit(status: u8) -> ! {
    // SAFETY: the function takes a number, does not return, and runs nothing of this process's.
    unsafe { libc::_exit(status.into()) }
}
