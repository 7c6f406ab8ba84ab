//! What is still to be written to a file when its writer can open none any more: another process, made
//! before, writes it.
//!
//! It is the same program, forked while there is one thread and nothing of a guest's, and knows
//! where to write. What it is sent it writes, once and whole, and then ends; without that, as when its
//! sender was killed, it ends and leaves nothing.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, setpgid, waitpid};

use super::exit;

/// The most that is written, in bytes; what is sent may come from a process that was taken over.
const MAX_BYTES: u64 = 4 << 20;

/// How long a clerk goes on with what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until it is whole, also if its sender is gone by then.
    Whole,
    /// For as long as its sender waits for it: what is written to may not be read for ever.
    Sender,
}

/// A process that writes what it is sent.
#[derive(Debug)]
pub struct Clerk {
    /// A pair of sockets, used as a file: others than reading and writing are not allowed in a jail.
    line: File,
    process: Pid,
}

impl Clerk {
    /// Starts it; `write` is what it does with the bytes. To be called while this process has one
    /// thread.
    pub fn hire(
        patience: Patience,
        write: impl FnOnce(&[u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        // SAFETY: there is one thread, as the caller knows, so that nothing is locked or half-done
        // in the child by a thread that it does not have.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                drop(line);
                exit(serve(File::from(OwnedFd::from(theirs)), patience, write))
            }
            process => {
                let process = Pid::from_raw(process).expect("a child's number is not 0");
                Ok(Self { line: File::from(OwnedFd::from(line)), process })
            }
        }
    }

    /// Has it write `bytes`, and waits until it has ended.
    pub fn write(mut self, bytes: &[u8]) -> io::Result<()> {
        let answer = self.send(bytes).and_then(|()| {
            let mut answer = [0];
            self.line.read_exact(&mut answer).map(|()| answer[0])
        });
        drop(self.line);
        // An error is that somebody else collects children; all has been said.
        while let Err(Errno::INTR) = waitpid(Some(self.process), WaitOptions::empty()) {}
        match answer? {
            DONE => Ok(()),
            OTHER_PROBLEM => Err(io::Error::other("the process that writes it failed")),
            errno => Err(io::Error::from_raw_os_error(errno.into())),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.line.write_all(bytes)
    }
}

impl AsFd for Clerk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// The answer of a clerk that has written; others are the number of an error.
const DONE: u8 = 0;
/// The answer to an error that has no number, or too large a one.
const OTHER_PROBLEM: u8 = 255;

/// The clerk's whole life; its status.
fn serve(mut line: File, patience: Patience, write: impl FnOnce(&[u8]) -> io::Result<()>) -> u8 {
    // An interrupt from the terminal is its sender's to handle; and whoever waits for the end of the
    // caller's streams does not wait for this process. Where that fails, they do.
    let _ = setpgid(None, None);
    let _ = forget_streams();
    let answer = match receive(&mut line) {
        Ok(None) => return DONE,
        Ok(Some(bytes)) => {
            let begun = match patience {
                Patience::Whole => Ok(()),
                Patience::Sender => end_with_sender(&line),
            };
            begun.and_then(|()| write(&bytes)).map_or_else(|error| number(&error), |()| DONE)
        }
        Err(error) => number(&error),
    };
    // A sender that is gone does not care.
    let _ = line.write_all(&[answer]);
    answer
}

/// Ends this process as soon as the other end of the line is closed. No signal can tell of that: a jailed
/// sender may not cause any, not even by its death.
fn end_with_sender(line: &File) -> io::Result<()> {
    let line = line.try_clone()?;
    let wait = move || {
        while poll(&mut [PollFd::new(&line, PollFlags::empty())], None) == Err(Errno::INTR) {}
        exit(OTHER_PROBLEM)
    };
    thread::Builder::new().spawn(wait).map(drop)
}

fn forget_streams() -> io::Result<()> {
    let nothing = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    Ok(())
}

/// The bytes that are to be written, if they come whole.
fn receive(line: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    if line.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    let length = u64::from_le_bytes(length);
    if length > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    line.take(length).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 == length))
}

fn number(error: &io::Error) -> u8 {
    error.raw_os_error().and_then(|errno| u8::try_from(errno).ok()).unwrap_or(OTHER_PROBLEM)
}
