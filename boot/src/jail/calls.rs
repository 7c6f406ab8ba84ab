//! The system calls that a jailed process may make: what needs each of them, and with which arguments.
//!
//! The list is proved both ways by the end-to-end tests in `jail`: without any one entry a call that
//! is named beside it is killed, and no other system call is allowed.

use libc::c_long;

/// What a jailed process is still to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its call.
    Call,
    /// To have its machine outlive it (`backend::kvm::farewell`).
    Leaving,
    /// To count the pages that the guest has touched.
    Measuring,
    /// To hear from its [`Clerk`](super::Clerk) that all was written.
    Clerk,
}

/// A system call that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SystemCall {
    pub(super) name: &'static str,
    pub(super) number: c_long,
    pub(super) purpose: Purpose,
    /// All have to hold.
    pub(super) checks: &'static [Check],
}

/// What has to hold of an argument, of which the kernel looks at no more than the lower 32 bits (or
/// refuses what has others).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The argument is this number.
    Is(u8, u32),
    /// It is the descriptor of the virtual processor.
    IsProcessor(u8),
}

/// `KVM_RUN` (Linux `uapi/linux/kvm.h`: `_IO(0xae, 0x80)`).
const KVM_RUN: u32 = 0xae80;

/// Flags of the one process that may be made: `farewell`'s, and no signal at its end.
const LAST_PROCESS: u32 = (libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS) as u32;

const READ_WRITE: u32 = (libc::PROT_READ | libc::PROT_WRITE) as u32;
const ANONYMOUS: u32 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u32;

const fn of(
    purpose: Purpose,
    name: &'static str,
    number: c_long,
    checks: &'static [Check],
) -> SystemCall {
    SystemCall { name, number, purpose, checks }
}

/// The list. What has its arguments checked goes first, what is made most often before the rest: of
/// the others, the kernel knows the answer without asking the filter.
pub(super) const LIST: [SystemCall; 17] = [
    // Every call: the guest runs. No other request, and on no other descriptor.
    of(Purpose::Call, "ioctl", libc::SYS_ioctl, &[Check::IsProcessor(0), Check::Is(1, KVM_RUN)]),
    // Memory that grows and shrinks with what is held of a stream: never executable, never a file's,
    // never in place of what is there.
    of(Purpose::Call, "mmap", libc::SYS_mmap, &[Check::Is(2, READ_WRITE), Check::Is(3, ANONYMOUS)]),
    of(Purpose::Call, "mremap", libc::SYS_mremap, &[Check::Is(3, 0)]),
    of(Purpose::Call, "munmap", libc::SYS_munmap, &[]),
    // The caller's streams.
    of(Purpose::Call, "read", libc::SYS_read, &[]),
    of(Purpose::Call, "write", libc::SYS_write, &[]),
    of(Purpose::Call, "close", libc::SYS_close, &[]),
    // Whether more of STDIN is there; waiting for the end. `poll` would have to be followed by
    // `restart_syscall` where the process is stopped and continued.
    of(Purpose::Call, "ppoll", libc::SYS_ppoll, &[]),
    // A deadline and a signal get the thread out of KVM by a timer, which is silenced in the end.
    of(Purpose::Call, "timer_settime", libc::SYS_timer_settime, &[]),
    of(Purpose::Call, "rt_sigreturn", libc::SYS_rt_sigreturn, &[]),
    // Where the kernel alone can tell the time, as without a usable time stamp counter.
    of(Purpose::Call, "clock_gettime", libc::SYS_clock_gettime, &[]),
    of(Purpose::Call, "exit_group", libc::SYS_exit_group, &[]),
    // A machine that outlives the process.
    of(Purpose::Leaving, "clone", libc::SYS_clone, &[Check::Is(0, LAST_PROCESS)]),
    of(Purpose::Leaving, "rt_sigprocmask", libc::SYS_rt_sigprocmask, &[]),
    of(Purpose::Leaving, "close_range", libc::SYS_close_range, &[]),
    // `--report`, `--timings`, `-v`.
    of(Purpose::Measuring, "mincore", libc::SYS_mincore, &[]),
    // `--report`.
    of(Purpose::Clerk, "wait4", libc::SYS_wait4, &[]),
];

/// What the standard library asks of a descriptor that it closes, where it is compiled to check itself.
pub(super) const OF_DEBUG_BUILDS: SystemCall =
    of(Purpose::Call, "fcntl", libc::SYS_fcntl, &[Check::Is(1, libc::F_GETFD as u32)]);

/// The names of all that are allowed for some purpose.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIST.into_iter().map(|call| call.name)
}

/// What is allowed for a call and these purposes, but for what is forbidden by name.
pub(super) fn allowed(purposes: &[Purpose], forbidden: &[String]) -> Vec<SystemCall> {
    let is_needed =
        |call: &SystemCall| call.purpose == Purpose::Call || purposes.contains(&call.purpose);
    let is_forbidden = |call: &SystemCall| forbidden.iter().any(|name| name == call.name);
    LIST.into_iter().filter(|call| is_needed(call) && !is_forbidden(call)).collect()
}
