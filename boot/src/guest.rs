//! A running guest: a duplex stream, a way to stop it, why it ended.
//!
//! This is the seam: what lies above it does not know which backend runs.

use std::os::unix::net::UnixStream;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::host::Accel;

/// A virtual machine that has been started.
///
/// Dropping it stops the machine.
#[derive(Debug)]
pub struct Guest {
    stream: UnixStream,
    machine: Box<dyn Machine>,
    ended: Receiver<GuestEnd>,
}

/// What a backend does for a guest that it started.
pub trait Machine: Send + std::fmt::Debug {
    /// Ends the machine at once; harmless if it has ended. The stream ends as a consequence.
    fn stop(&self);

    /// The most memory that the machine has occupied on the host so far, in bytes, if known.
    fn peak_memory_bytes(&self) -> Option<u64> {
        None
    }

    /// What executes the machine's instructions, as far as is known by now.
    fn accel(&self) -> Accel;
}

/// Why a machine is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestEnd {
    /// It was stopped by [`Guest::stop`].
    Stopped,
    /// The guest reset or switched off its machine; a triple fault does so too.
    Reset,
    /// The guest did what the accelerator cannot execute.
    Stuck(String),
    /// The monitor itself failed.
    Failed(String),
}

impl Guest {
    /// Puts together what a backend started. `ended` yields once, when the machine is gone.
    pub fn new(stream: UnixStream, machine: Box<dyn Machine>, ended: Receiver<GuestEnd>) -> Self {
        Self { stream, machine, ended }
    }

    /// The stream of the call; frames go both ways (SPEC C6).
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Ends the machine at once.
    pub fn stop(&self) {
        self.machine.stop();
    }

    /// Waits until the machine is gone and nothing of it is left; `None` if that takes longer.
    /// Yields once.
    pub fn wait(&self, longest: Duration) -> Option<GuestEnd> {
        self.ended.recv_timeout(longest).ok()
    }

    /// The most memory that the machine has occupied on the host so far, in bytes, if known.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.machine.peak_memory_bytes()
    }

    /// What executes the machine's instructions.
    pub fn accel(&self) -> Accel {
        self.machine.accel()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.machine.stop();
    }
}
