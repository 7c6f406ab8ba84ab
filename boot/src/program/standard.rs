//! The process's standard streams, past the buffers of the standard library: bytes go out when
//! the function writes them.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{dup2_stdout, stderr, stdin, stdout};

/// Whether STDIN can be read without waiting.
pub fn stdin_is_ready() -> bool {
    let now = Timespec::default();
    poll(&mut [PollFd::new(&stdin(), PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Prints what a verb gives, all of it: nothing is flushed when the process ends.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    Standard::stdout()
        .and_then(|mut stdout| stdout.write_all(bytes))
        .context("cannot write to STDOUT")
}

/// A copy of a standard stream that blocks, even if another process that shares it has made it
/// non-blocking.
#[derive(Debug)]
pub struct Standard(File);

impl Standard {
    /// STDIN.
    pub fn stdin() -> io::Result<Self> {
        copy(stdin())
    }

    /// STDOUT; an error where it is closed, which the standard library takes for written.
    pub fn stdout() -> io::Result<Self> {
        copy(stdout())
    }

    /// STDERR.
    pub fn stderr() -> io::Result<Self> {
        copy(stderr())
    }

    /// Takes STDOUT away from this process, so that nothing but the function can write there, and
    /// its reader sees the end as soon as this value is dropped. What else would go there goes to
    /// STDERR.
    pub fn take_stdout() -> io::Result<Self> {
        let function = copy(stdout())?;
        dup2_stdout(stderr())?;
        Ok(function)
    }

    /// Repeats `action` until it does not ask to be repeated.
    fn blocking<T>(
        &mut self,
        ready: PollFlags,
        mut action: impl FnMut(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match action(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.0, ready)], None)?;
                }
                done => return done,
            }
        }
    }
}

fn copy(stream: impl AsFd) -> io::Result<Standard> {
    Ok(Standard(stream.as_fd().try_clone_to_owned()?.into()))
}

impl AsFd for Standard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for Standard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.blocking(PollFlags::IN, |file| file.read(buffer))
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.blocking(PollFlags::OUT, |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    #[test]
    fn a_stream_that_is_not_ready_is_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        ours.set_nonblocking(true).expect("an option");
        let mut stream = copy(&ours).expect("a copy");
        let reader = thread::spawn(move || {
            let mut received = [0; 5];
            stream.read_exact(&mut received).map(|()| (received, stream))
        });
        theirs.write_all(b"hello").expect("sent");
        let (received, mut stream) = reader.join().expect("no panic").expect("received");
        assert_eq!(&received, b"hello");
        let writer = thread::spawn(move || stream.write_all(&vec![b'x'; 1 << 20]));
        theirs.read_exact(&mut vec![0; 1 << 20]).expect("received");
        writer.join().expect("no panic").expect("written");
    }
}
