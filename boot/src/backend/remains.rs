//! What is left of a machine whose guest has ended.
//!
//! To destroy a machine takes KVM longer than to make it, and nobody need wait for that: the
//! outcome is known.

use std::sync::OnceLock;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use super::kvm;
use crate::guest::Guest;

/// Machines that wait to be destroyed at most; each holds what its guest has touched.
const WAITING: usize = 16;

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

    /// Leaves it to the kernel, because this process is about to end: the sooner for that.
    pub fn leave(self) {
        match self {
            Self::BuiltIn(remains) => remains.leave(),
            Self::Remote(_) => self.destroy(),
        }
    }

    /// Has it destroyed by a thread that does nothing else, unless that has too much to do.
    pub(crate) fn destroy_later(self) {
        static UNDERTAKER: OnceLock<Option<SyncSender<Remains>>> = OnceLock::new();
        let undertaker = UNDERTAKER.get_or_init(|| {
            let (sender, receiver) = mpsc::sync_channel::<Remains>(WAITING);
            let work = move || receiver.iter().for_each(Remains::destroy);
            let thread = thread::Builder::new().name("undertaker".to_owned()).spawn(work);
            thread.ok().map(|_| sender)
        });
        match (self, undertaker) {
            (Self::BuiltIn(remains), Some(undertaker)) => {
                // What comes back is destroyed here, so that there is never more of it.
                drop(undertaker.try_send(Self::BuiltIn(remains)));
            }
            (other, _) => other.destroy(),
        }
    }
}
