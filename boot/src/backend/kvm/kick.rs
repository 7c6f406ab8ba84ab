//! Getting a thread out of a system call, `KVM_RUN` above all: a timer of its own that sends it a
//! signal with a handler that does nothing.
//!
//! Once it has gone off it does so again every millisecond: a signal that comes just before a
//! system call, and so interrupts nothing, is followed by one that does.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

/// Between one signal and the next.
const AGAIN: Duration = Duration::from_millis(1);

/// A timer that interrupts the thread that made it.
#[derive(Debug)]
pub(super) struct Kick {
    timer: libc::c_int,
}

/// The kernel's number for a timer; stays valid as long as the [`Kick`] does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger(libc::c_int);

/// What a timer goes by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// The time.
    Monotonic,
    /// The processor time of this thread.
    ThreadCpuTime,
}

impl Clock {
    fn number(self) -> libc::clockid_t {
        match self {
            Self::Monotonic => libc::CLOCK_MONOTONIC,
            Self::ThreadCpuTime => libc::CLOCK_THREAD_CPUTIME_ID,
        }
    }
}

impl Kick {
    /// A timer for this thread, not set.
    pub(super) fn new(clock: Clock) -> io::Result<Self> {
        let signal = signal()?;
        unblock(signal)?;
        // SAFETY: all zero is a value of this structure of integers and pointers.
        let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_notify_thread_id = rustix::thread::gettid().as_raw_nonzero().get();
        let mut timer: libc::c_int = 0;
        let (clock, event, place) = (clock.number(), &raw const event, &raw mut timer);
        // SAFETY: the kernel reads a `sigevent` and writes a timer's number, an `int`; both places
        // are valid for that.
        let made = unsafe { libc::syscall(libc::SYS_timer_create, clock, event, place) };
        result(made)?;
        Ok(Self { timer })
    }

    /// Lets it go off when so much of its clock's time has passed.
    pub(super) fn after(&self, time: Duration) -> io::Result<()> {
        set(self.timer, time.max(Duration::from_nanos(1)))
    }

    /// Stops it for the rest of this process, which may not be allowed to delete it.
    pub(super) fn silence(self) {
        // It fails where the timer is gone.
        let _ = set(self.timer, Duration::ZERO);
        std::mem::forget(self);
    }

    /// What lets it go off now, from any thread and from a signal's handler.
    pub(super) fn trigger(&self) -> Trigger {
        Trigger(self.timer)
    }
}

impl Trigger {
    /// Lets the timer go off.
    pub(super) fn pull(self) {
        // It fails where the timer is gone, and with it what was to be interrupted.
        let _ = set(self.0, Duration::from_nanos(1));
    }
}

impl Drop for Kick {
    fn drop(&mut self) {
        // SAFETY: the system call takes a number; nothing else deletes this timer.
        let _ = unsafe { libc::syscall(libc::SYS_timer_delete, self.timer) };
    }
}

/// Sets a timer to go off after `first`, and then again and again; never if that is nothing.
fn set(timer: libc::c_int, first: Duration) -> io::Result<()> {
    let setting = libc::itimerspec { it_interval: timespec(AGAIN), it_value: timespec(first) };
    let (setting, before) = (&raw const setting, ptr::null_mut::<libc::itimerspec>());
    // SAFETY: the kernel reads an `itimerspec`, and writes none where the pointer is null.
    result(unsafe { libc::syscall(libc::SYS_timer_settime, timer, 0, setting, before) })
}

fn timespec(time: Duration) -> libc::timespec {
    let tv_sec = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    libc::timespec { tv_sec, tv_nsec: time.subsec_nanos().into() }
}

/// A signal that nobody else in this process uses, with a handler that interrupts system calls
/// and does nothing else.
fn signal() -> io::Result<libc::c_int> {
    static SIGNAL: OnceLock<Option<libc::c_int>> = OnceLock::new();
    let found = SIGNAL.get_or_init(|| {
        let mut candidates = libc::SIGRTMIN()..=libc::SIGRTMAX();
        candidates.find(|&signal| is_unused(signal) && catch(signal).is_ok())
    });
    found.ok_or_else(|| io::Error::other("every real-time signal is in use"))
}

fn is_unused(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the function writes a `sigaction` to a place for one, and changes nothing.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: it was zeroed, which is a value of this structure, and then written.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_DFL
}

fn catch(signal: libc::c_int) -> io::Result<()> {
    extern "C" fn do_nothing(_: libc::c_int) {}
    // SAFETY: all zero is a value of this structure: no flags, so that system calls are not
    // restarted, and an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = do_nothing as *const () as usize;
    // SAFETY: the structure is valid, and its handler does nothing, which any context allows.
    result(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) }.into())
}

fn unblock(signal: libc::c_int) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the function makes an empty set of the place for one.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set was made, and the signal is one that exists.
    unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    let set = set.as_ptr();
    // SAFETY: the function reads a set, and writes none where the pointer is null.
    match unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, set, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn result(returned: libc::c_long) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_read_that_would_wait_for_ever_is_interrupted() {
        let (mut ours, _theirs) = UnixStream::pair().expect("a pair");
        let kick = Kick::new(Clock::Monotonic).expect("a timer");
        for _ in 0..3 {
            kick.after(Duration::from_millis(5)).expect("set");
            let error = ours.read(&mut [0]).expect_err("nothing to read");
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        }
        let trigger = kick.trigger();
        std::thread::spawn(move || trigger.pull()).join().expect("no panic");
        let error = ours.read(&mut [0]).expect_err("nothing to read");
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
