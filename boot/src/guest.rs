//! A running guest: a duplex stream, a way to stop it, why it ended.
//!
//! This is the seam: what lies above it does not know which backend runs.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::host::Accel;
use crate::jail::Layers;

/// A virtual machine that has been started.
///
/// Dropping it stops the machine.
#[derive(Debug)]
pub struct Guest {
    stream: UnixStream,
    machine: Box<dyn Machine>,
    ended: Receiver<GuestEnd>,
    heard: Heard,
}

/// Whether a guest's words have begun to be read, after which no other can take its place.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<AtomicBool>);

impl Heard {
    /// Whether they have. Bytes that are not read yet do not count.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Reads a guest's words.
#[derive(Debug)]
pub(crate) struct Words {
    stream: UnixStream,
    heard: Heard,
}

impl Read for Words {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.heard.get() {
            // Told before the first bytes leave the socket: at no time are they in neither place.
            poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], None)?;
            self.heard.0.store(true, Ordering::SeqCst);
        }
        self.stream.read(buffer)
    }
}

/// What a backend does for a guest that it started.
pub trait Machine: Send + std::fmt::Debug {
    /// Ends the machine at once; harmless if it has ended. The stream ends as a consequence.
    fn stop(&self);

    /// The most memory that the machine has occupied on the host so far, in bytes, if known.
    fn peak_memory_bytes(&self) -> Option<u64> {
        None
    }

    /// The processor time that the machine has used so far, if known.
    fn cpu_time(&self) -> Option<Duration> {
        None
    }

    /// What confines the process that runs the machine, if it is to be confined.
    fn jail(&self) -> Option<Layers> {
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
    /// The machine stands still: the guest did what the accelerator cannot execute.
    Stuck(String),
    /// The monitor itself failed.
    Failed(String),
}

impl Guest {
    /// Puts together what a backend started. `ended` yields once, when the machine is gone.
    pub fn new(stream: UnixStream, machine: Box<dyn Machine>, ended: Receiver<GuestEnd>) -> Self {
        Self { stream, machine, ended, heard: Heard::default() }
    }

    /// Has `heard` tell the backend whether the guest was heard of.
    pub fn telling(mut self, heard: Heard) -> Self {
        self.heard = heard;
        self
    }

    /// The stream's reading half.
    pub(crate) fn words(&self) -> io::Result<Words> {
        Ok(Words { stream: self.stream.try_clone()?, heard: self.heard.clone() })
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
        self.wait_again(longest).ok()
    }

    /// As [`Guest::wait`], and tells whether it is worth waiting on.
    pub(crate) fn wait_again(&self, longest: Duration) -> Result<GuestEnd, RecvTimeoutError> {
        self.ended.recv_timeout(longest)
    }

    /// The most memory that the machine has occupied on the host so far, in bytes, if known.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.machine.peak_memory_bytes()
    }

    /// The processor time that the machine has used so far, if known.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        self.machine.cpu_time()
    }

    /// What confines the process that runs the machine, if it is to be confined.
    pub fn jail(&self) -> Option<Layers> {
        self.machine.jail()
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_guest_is_heard_of_before_its_words_leave_the_socket() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let mut words = Words { stream: ours, heard: Heard::default() };
        theirs.write_all(b"hello").expect("sent");
        assert!(!words.heard.get());
        let mut buffer = [0; 8];
        assert_eq!(words.read(&mut buffer).expect("read"), 5);
        assert!(words.heard.get());
    }
}
