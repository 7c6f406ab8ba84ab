//! A scripted guest, so that sessions, deadlines and statuses are tested without a machine.

use std::fmt;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::LaunchError;
use crate::guest::{Guest, GuestEnd, Machine};
use crate::host::Accel;
use crate::spec::LaunchSpec;

/// What a scripted guest does with its end of the stream, and how its machine ends then.
type Script = dyn Fn(UnixStream) -> GuestEnd + Send + Sync;

/// Starts guests that are scripts.
#[derive(Clone)]
pub struct Fake {
    script: Arc<Script>,
}

impl Fake {
    /// Each guest runs `script` on a thread of its own.
    pub fn new(script: impl Fn(UnixStream) -> GuestEnd + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script) }
    }

    pub(super) fn launch(&self, _: &LaunchSpec) -> Result<Guest, LaunchError> {
        let (ours, theirs) =
            UnixStream::pair().map_err(LaunchError::system("make a pair of sockets"))?;
        let plug = theirs.try_clone().map_err(LaunchError::system("copy a socket"))?;
        let stopped = Arc::new(AtomicBool::new(false));
        let machine = FakeMachine { plug, stopped: Arc::clone(&stopped) };
        let (ended, receiver) = mpsc::channel();
        let script = Arc::clone(&self.script);
        thread::spawn(move || {
            let plug = theirs.try_clone();
            let end = script(theirs);
            // The machine holds the socket too: the stream must end with the script all the same.
            if let Ok(plug) = plug {
                let _ = plug.shutdown(Shutdown::Both);
            }
            let end = if stopped.load(Ordering::SeqCst) { GuestEnd::Stopped } else { end };
            let _ = ended.send(end);
        });
        Ok(Guest::new(ours, Box::new(machine), receiver))
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

#[derive(Debug)]
struct FakeMachine {
    plug: UnixStream,
    stopped: Arc<AtomicBool>,
}

impl Machine for FakeMachine {
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = self.plug.shutdown(Shutdown::Both);
    }

    fn accel(&self) -> Accel {
        Accel::Tcg
    }
}
