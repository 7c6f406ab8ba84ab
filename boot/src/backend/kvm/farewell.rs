//! Ending before the machine does, when this process ends too.
//!
//! To destroy a machine takes KVM half a millisecond, more where others do the same, and a process
//! that has one open ends no sooner than that is done. So a second process, which shares all memory
//! and descriptors with this one, outlives it for so long: it ends as soon as this one has ended, and
//! what it was last to hold goes with it.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use super::machine::Machine;
use crate::jail;

/// Stack of the second process, which makes two system calls.
const STACK_BYTES: usize = 16 << 10;

/// What is opened before, since a jailed process opens nothing.
#[derive(Debug)]
pub(super) struct Farewell {
    /// The status of the first process.
    first: File,
    /// This process, whose end can be waited for there.
    own: OwnedFd,
}

impl Farewell {
    /// An error means that machines cannot outlive this process. The last descriptor there can be is
    /// left to the jail, which a call needs more.
    pub(super) fn prepare() -> io::Result<Self> {
        let first = File::open("/proc/1/status")?;
        let own = pidfd_open(getpid(), PidfdFlags::empty())?;
        drop(own.try_clone()?);
        Ok(Self { first, own })
    }

    /// Its descriptors.
    pub(super) fn descriptors(&self) -> [RawFd; 2] {
        [self.first.as_raw_fd(), self.own.as_raw_fd()]
    }

    /// Has `machine` outlive this process, which is to end at once and does nothing more: every other
    /// descriptor is closed. What is mapped is left to the process's end either way.
    pub(super) fn leave(mut self, machine: Machine) {
        let Machine { processor, machine, memory } = machine;
        std::mem::forget(memory);
        if has_undertaker(&mut self.first) && survive(&self.own).is_ok() {
            let spared = [&processor as &dyn AsRawFd, &machine, &self.own];
            close_all_but(spared.map(AsRawFd::as_raw_fd));
            std::mem::forget((processor, machine, self));
        }
    }
}

/// Whether somebody collects processes whose parent is gone: the first process blocks `SIGCHLD`, to
/// wait for it, or ignores it, as those do whose task that is. Where it does not, as with a container
/// whose first process merely sleeps, or serves and waits for nobody but its own children, each would
/// stay for ever. (A nearer one that has asked for orphans, by `PR_SET_CHILD_SUBREAPER`, gets them
/// instead: to collect them is what that is for.)
fn has_undertaker(status: &mut File) -> bool {
    // Enough for all but a long list of groups; in one read, since a caller waits for this.
    let mut text = [0; 4096];
    let read = status.read(&mut text);
    read.is_ok_and(|bytes| collects_children(&String::from_utf8_lossy(&text[..bytes])))
}

fn collects_children(status: &str) -> bool {
    const SIGCHLD: u64 = 1 << (libc::SIGCHLD - 1);
    let set = |line: &str| {
        let (name, set) = line.split_once(':')?;
        let set = ["SigBlk", "SigIgn"].contains(&name).then_some(set)?;
        u64::from_str_radix(set.trim(), 16).ok()
    };
    status.lines().filter_map(set).any(|set| set & SIGCHLD != 0)
}

/// Starts a process that shares this one's memory and descriptors, and ends when it does: when `own`
/// tells of its end.
fn survive(own: &OwnedFd) -> io::Result<()> {
    // A handler must not run on both sides of what they share.
    block_signals()?;
    let stack = Vec::leak(vec![0u128; STACK_BYTES / size_of::<u128>()]);
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS;
    let own: *mut u8 = ptr::without_provenance_mut(own.as_raw_fd() as usize);
    // SAFETY: the function runs on a stack of its own, which is never freed, aligned and large
    // enough. It makes system calls and nothing else, and no signal's handler can run in it: it
    // touches no memory that the first process uses, thread-local memory included.
    let child = unsafe { libc::clone(wait_for_the_end, top.cast(), flags, own.cast()) };
    if child < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Blocks every signal that can be, for the rest of this process.
fn block_signals() -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the function makes a full set of the place for one.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    let set = set.as_ptr();
    // SAFETY: the function reads a set, and writes none where the pointer is null.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

extern "C" fn wait_for_the_end(own: *mut libc::c_void) -> libc::c_int {
    // SAFETY: nobody closes the descriptor of the first process any more.
    let own = unsafe { BorrowedFd::borrow_raw(own.addr() as RawFd) };
    while poll(&mut [PollFd::from_borrowed_fd(own, PollFlags::IN)], None) == Err(Errno::INTR) {}
    // To return would be to end by another system call.
    jail::exit(0)
}

fn close_all_but(mut spared: [RawFd; 3]) {
    spared.sort_unstable();
    let [one, two, three] = spared;
    for (from, to) in
        [(0, one - 1), (one + 1, two - 1), (two + 1, three - 1), (three + 1, RawFd::MAX)]
    {
        if from <= to {
            // SAFETY: nothing uses a descriptor any more but those that are spared. Without the
            // system call, on Linux before 5.9, they close with the second process.
            let _ = unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_process_that_does_not_care_for_children_is_told_from_one_that_does() {
        let sleeper = "Name:\tsleep\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n\
            SigCgt:\t0000000000000000\n";
        assert!(!collects_children(sleeper));
        let server = sleeper.replace("SigCgt:\t0000000000000000", "SigCgt:\tfffffffe7fffffff");
        assert!(!collects_children(&server));
        let init = sleeper.replace("SigBlk:\t0000000000000000", "SigBlk:\t7be3c0fe28014a03");
        assert!(collects_children(&init));
        assert!(!collects_children(""));
    }
}
