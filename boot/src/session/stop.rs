//! What ends a call from outside: a request to stop, or its deadline.
//!
//! A request may be made in a signal's handler: it is one store, one write and one system call
//! more, none of which allocates or locks.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::{Ending, Limit};

/// Why a call is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// SIGINT, or what is like it.
    Interrupted,
    /// SIGTERM, or what is like it.
    Terminated,
}

/// Stops a call from any thread, and from a signal's handler; harmless once the call has ended.
#[derive(Clone, Debug)]
pub struct Stopper(pub(super) Arc<Shared>);

/// What a call, its threads and its [`Stopper`]s share.
pub(super) struct Shared {
    cause: AtomicU8,
    is_over: AtomicBool,
    /// Wakes whoever waits for the call's events.
    bell: Result<OwnedFd, Errno>,
    /// Wakes whoever runs the machine.
    kick: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

const NOT_ASKED: u8 = 0;
const INTERRUPTED: u8 = 1;
const TERMINATED: u8 = 2;

impl Stopper {
    /// Ends the call's machine and lets the call return; whether the call was still there to hear
    /// it. The first cause counts.
    pub fn stop(&self, cause: StopCause) -> bool {
        let number = match cause {
            StopCause::Interrupted => INTERRUPTED,
            StopCause::Terminated => TERMINATED,
        };
        let shared = &*self.0;
        let first =
            shared.cause.compare_exchange(NOT_ASKED, number, Ordering::SeqCst, Ordering::SeqCst);
        self.ring();
        if let Some(kick) = shared.kick.get() {
            kick();
        }
        first.is_ok() && !shared.is_over.load(Ordering::SeqCst)
    }

    /// Wakes whoever waits for the call's events.
    pub(super) fn ring(&self) {
        // It fails if the bell has been rung 2^64 times and nobody has listened.
        let _ = self.0.bell.as_ref().map(|bell| rustix::io::write(bell, &1u64.to_ne_bytes()));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("cause", &self.cause).finish_non_exhaustive()
    }
}

/// Looks out for a call's end from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(super) stopper: Stopper,
    deadline: Option<Instant>,
    /// The same on the clock of the processor time of the thread that looks out.
    cpu_deadline: Option<Duration>,
}

impl Watch {
    /// Nobody has asked for anything yet, and there is no deadline.
    pub(crate) fn new() -> Self {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let shared = Shared {
            cause: AtomicU8::new(NOT_ASKED),
            is_over: AtomicBool::new(false),
            bell: eventfd(0, flags),
            kick: OnceLock::new(),
        };
        Self { stopper: Stopper(Arc::new(shared)), deadline: None, cpu_deadline: None }
    }

    /// Whether a call can be woken.
    pub(crate) fn check(&self) -> io::Result<()> {
        Ok(self.stopper.0.bell.as_ref().map(drop).map_err(|errno| *errno)?)
    }

    /// What waking a call goes through.
    pub(crate) fn descriptor(&self) -> Option<&OwnedFd> {
        self.stopper.0.bell.as_ref().ok()
    }

    /// Ends the call at this time.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Ends the call when this thread, which runs the machine and looks out, has used that much more
    /// processor time.
    pub(crate) fn limit_cpu_time(&mut self, cpu_time: Duration) {
        self.cpu_deadline = cpu_time_of_thread().checked_add(cpu_time);
    }

    /// The processor time that is left, if it is limited.
    pub(crate) fn cpu_time_left(&self) -> Option<Duration> {
        self.cpu_deadline.map(|deadline| deadline.saturating_sub(cpu_time_of_thread()))
    }

    /// When the call is to end, if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Something with which others can end the call.
    pub(crate) fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Has `kick` called, once and from any context, when the call is to end.
    pub(crate) fn on_stop(&self, kick: impl Fn() + Send + Sync + 'static) {
        // A call has one machine at a time; of two, the first is gone and does not mind.
        let _ = self.stopper.0.kick.set(Box::new(kick));
    }

    /// How the call ends, if it is to end now.
    pub(crate) fn ending(&self) -> Option<Ending> {
        match self.stopper.0.cause.load(Ordering::SeqCst) {
            INTERRUPTED => return Some(Ending::Stopped(StopCause::Interrupted)),
            TERMINATED => return Some(Ending::Stopped(StopCause::Terminated)),
            _ => {}
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(Ending::DeadlineExceeded);
        }
        let is_used_up = |deadline| cpu_time_of_thread() >= deadline;
        self.cpu_deadline.is_some_and(is_used_up).then_some(Ending::Exceeded(Limit::CpuTime))
    }

    /// Waits until the bell rings, the deadline passes, or `longest` is over; it may also be for
    /// no reason.
    pub(crate) fn wait(&self, longest: Option<Duration>) {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let time = left.into_iter().chain(longest).min();
        // Ten years are for ever, and what the kernel's clock can count.
        let time = time.map(|time| time.min(Duration::from_secs(10 * 365 * 86_400)));
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        let Ok(bell) = &self.stopper.0.bell else { return };
        match poll(&mut [PollFd::new(bell, PollFlags::IN)], time.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            // An error means that somebody else has silenced it.
            _ => drop(rustix::io::read(bell, &mut [0; 8])),
        }
    }
}

fn cpu_time_of_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopper.0.is_over.store(true, Ordering::SeqCst);
    }
}
