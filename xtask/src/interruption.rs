//! SIGINT and SIGTERM while there is something that has to be removed before this process ends.
//!
//! SIGHUP does what it did, since it is to be ignored under `nohup`.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// What these signals do: what they do by default, but for the time that [`put_off`](Self::put_off) takes.
/// There is to be one of these in a process.
pub struct Interruption {
    by_default: Arc<AtomicBool>,
    signals: Signals,
    /// The one that came while they were put off.
    came: Option<i32>,
}

impl Interruption {
    /// Begins to listen for them.
    pub fn new() -> io::Result<Self> {
        let by_default = Arc::new(AtomicBool::new(true));
        for signal in ENDING {
            flag::register_conditional_default(signal, Arc::clone(&by_default))?;
        }
        let signals = Signals::new([SIGINT, SIGTERM, SIGCHLD])?;
        Ok(Self { by_default, signals, came: None })
    }

    /// Does something, after which a signal that came meanwhile ends this process.
    pub fn put_off<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> io::Result<T> {
        self.by_default.store(false, Ordering::SeqCst);
        let done = work(self);
        self.by_default.store(true, Ordering::SeqCst);
        self.look();
        match self.came {
            Some(signal) => emulate_default_handler(signal).map(|()| done),
            None => Ok(done),
        }
    }

    /// Runs a command; `None` if a signal comes, and then it is killed, with all that it has started.
    pub fn run(&mut self, command: &mut Command) -> io::Result<Option<ExitStatus>> {
        let mut child = command.process_group(0).spawn()?;
        loop {
            self.look();
            if self.came.is_some() {
                return kill(&mut child).map(|()| None);
            }
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            self.signals.wait();
        }
    }

    fn look(&mut self) {
        let came = self.signals.pending().find(|signal| ENDING.contains(signal));
        self.came = self.came.or(came);
    }
}

fn kill(child: &mut Child) -> io::Result<()> {
    // Until it is waited for, its number is its own, and its group's.
    kill_process_group(Pid::from_child(child), Signal::KILL)?;
    child.wait().map(drop)
}
