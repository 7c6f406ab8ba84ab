//! What ties a monitor process to its launcher. The only unsafe code of this crate.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Has the kernel kill the process that `command` starts as soon as the thread that starts it
/// ends, however that comes about: not even `kill -9` of the launcher leaves it behind.
///
/// The caller keeps the starting thread alive for as long as the process is wanted.
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    let tie = move || -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above took effect; then nobody would signal.
        match getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    };
    // SAFETY: between fork and exec only async-signal-safe functions may run and nothing may be
    // allocated. `tie` makes two system calls, prctl and getppid, through wrappers that are
    // nothing but those calls, and builds its error from a constant.
    unsafe { command.pre_exec(tie) };
}
