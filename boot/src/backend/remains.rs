//! What is left of a machine whose guest has ended.
//!
//! To destroy a machine takes KVM longer than to make it, and nobody need wait for that: the
//! outcome is known.

use std::sync::OnceLock;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::kvm;
use crate::guest::Guest;

/// Machines that wait to be destroyed at most; each holds what its guest has touched.
const WAITING: usize = 16;

/// Threads that destroy machines. They hardly work: where several machines are destroyed at the same
/// time, the kernel lets each wait for milliseconds, all of them together (Linux
/// `mm/mmu_notifier.c`, `synchronize_srcu`).
const UNDERTAKERS: usize = 16;

/// Stack of such a thread, in bytes.
const STACK_BYTES: usize = 64 << 10;

/// How long a stopped process may take to be gone before it is no longer waited for.
const LONGEST: Duration = Duration::from_millis(200);

/// What is left of a machine; dropping it destroys that.
#[derive(Debug)]
#[non_exhaustive]
pub enum Remains {
    /// Of one in this process.
    BuiltIn(kvm::Remains),
    /// Of another process, which has been stopped.
    Remote(Guest),
}

impl Remains {
    /// Destroys it, and returns when it is gone.
    pub fn destroy(self) {
        match self {
            Self::BuiltIn(remains) => drop(remains),
            Self::Remote(guest) => drop(guest.wait(LONGEST)),
        }
    }

    /// Has it outlive this process, which ends the sooner for that, where somebody collects orphans.
    ///
    /// # Safety
    ///
    /// This process ends next, from this thread, and does nothing else: all its descriptors are
    /// closed, whoever owns them, and its signals blocked.
    #[allow(unsafe_code)]
    pub unsafe fn leave(self) {
        match self {
            Self::BuiltIn(remains) => remains.leave(),
            Self::Remote(_) => self.destroy(),
        }
    }

    /// Has it destroyed by threads that do nothing else, unless those have too much to do.
    pub(crate) fn destroy_later(self) {
        static UNDERTAKERS: OnceLock<SyncSender<Remains>> = OnceLock::new();
        match self {
            // What comes back is destroyed here, so that there is never more of it.
            Self::BuiltIn(_) => drop(UNDERTAKERS.get_or_init(undertakers).try_send(self)),
            Self::Remote(_) => self.destroy(),
        }
    }
}

/// Starts the threads, as many as can be; without any, nothing is taken from the channel and
/// callers do it themselves.
fn undertakers() -> SyncSender<Remains> {
    let (sender, receiver) = mpsc::sync_channel::<Remains>(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..UNDERTAKERS {
        let receiver = Arc::clone(&receiver);
        let next = move || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        let work = move || std::iter::from_fn(&next).for_each(Remains::destroy);
        let thread = thread::Builder::new().name("undertaker".to_owned()).stack_size(STACK_BYTES);
        if thread.spawn(work).is_err() {
            break;
        }
    }
    sender
}
