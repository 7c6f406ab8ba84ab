//! seccomp: a program that the kernel asks at each system call (Linux
//! `userspace-api/seccomp_filter.rst`).
//!
//! It is put together here, of few instructions: the kernel takes the longer for it the more there are.
//! With a general compiler's output (the crate `seccompiler`'s), that and the compiling take 0.1 ms, and
//! a third of it so.
#![allow(unsafe_code)]

use std::io;
use std::mem::offset_of;
use std::os::fd::RawFd;

use libc::{seccomp_data, sock_filter, sock_fprog};

use super::calls::{Check, SystemCall};

/// Ends the process: its parent sees `SIGSYS`.
pub(super) const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// `AUDIT_ARCH_X86_64` (Linux `uapi/linux/audit.h`): other ways into the kernel number their system
/// calls differently. Those of the x32 ABI are large numbers, which none in the list is.
const X86_64: u32 = 0xc000_003e;

/// Half of what is allowed has numbers below, most of what there is not: as the filter is installed,
/// the kernel tries it with every number there is, to learn which are allowed in any case.
const MIDDLE: libc::c_long = 28;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// Whether the kernel has what is needed of it.
pub(super) fn check() -> io::Result<()> {
    let (mode, flags, action) = (libc::SECCOMP_GET_ACTION_AVAIL, 0, KILL);
    // SAFETY: the kernel reads a number that lives until after the system call.
    match unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const action) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A filter.
#[derive(Debug)]
pub(super) struct Program(Vec<sock_filter>);

impl Program {
    /// Allows `calls` and does `otherwise` at all others. `processor` is the virtual processor's
    /// descriptor.
    pub(super) fn new(calls: &[SystemCall], processor: RawFd, otherwise: u32) -> Self {
        let mut program = Self(Vec::with_capacity(64));
        program.load(offset_of!(seccomp_data, arch));
        program.push(IF_EQUAL, X86_64, 1, 0);
        program.push(RETURN, otherwise, 0, 0);
        program.load(offset_of!(seccomp_data, nr));
        let part = |is_high: bool| {
            let mut part = Self(Vec::with_capacity(64));
            for call in calls.iter().filter(|call| (call.number >= MIDDLE) == is_high) {
                part.allow(call, processor, otherwise);
            }
            part.push(RETURN, otherwise, 0, 0);
            part.0
        };
        let low = part(false);
        program.push(IF_AT_LEAST, MIDDLE as u32, low.len() as u8, 0);
        program.0.extend(low);
        program.0.extend(part(true));
        program
    }

    /// Decides about one system call, whose number is loaded; falls through at any other.
    fn allow(&mut self, call: &SystemCall, processor: RawFd, otherwise: u32) {
        let rest = 2 * call.checks.len() + 1 + usize::from(!call.checks.is_empty());
        let rest = u8::try_from(rest).expect("the checks of a call are few");
        self.push(IF_EQUAL, call.number as u32, 0, rest);
        // To where what is refused goes: the last of its instructions.
        let mut to_refusal = rest - 1;
        for check in call.checks {
            let (argument, value) = match *check {
                Check::Is(argument, value) => (argument, value),
                Check::IsProcessor(argument) => (argument, processor as u32),
            };
            // The lower half of the argument.
            self.load(offset_of!(seccomp_data, args) + 8 * usize::from(argument));
            to_refusal -= 2;
            self.push(IF_EQUAL, value, 0, to_refusal);
        }
        self.push(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0);
        if !call.checks.is_empty() {
            self.push(RETURN, otherwise, 0, 0);
        }
    }

    fn load(&mut self, offset: usize) {
        self.push(LOAD, offset as u32, 0, 0);
    }

    fn push(&mut self, code: u32, k: u32, jt: u8, jf: u8) {
        self.0.push(sock_filter { code: code as u16, jt, jf, k });
    }

    /// The number of its instructions.
    #[cfg(test)]
    pub(super) fn length(&self) -> usize {
        self.0.len()
    }

    /// Has every thread of this process obey it, for good.
    pub(super) fn install(mut self) -> io::Result<()> {
        let length = self.0.len() as u16;
        let program = sock_fprog { len: length, filter: self.0.as_mut_ptr() };
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
        // SAFETY: the kernel reads a `sock_fprog` and as many instructions as it says, which live
        // until after the system call, and writes nothing.
        let installed =
            unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
        match installed {
            0 => Ok(()),
            -1 => Err(io::Error::last_os_error()),
            thread => Err(io::Error::other(format!("thread {thread} has a filter of its own"))),
        }
    }
}
