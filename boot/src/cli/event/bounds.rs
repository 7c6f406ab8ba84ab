//! Reading what is to be there before a call: no more than is to be held, and no longer than the call
//! may take.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use ampoule_boot::units;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// The most that is read before a call, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// How much is read, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    bytes: u64,
    until: Option<Instant>,
}

impl Bounds {
    /// None, for what is passed on as it comes.
    pub(super) const NONE: Self = Self { bytes: u64::MAX, until: None };

    /// Those of a call that began then and has so much time, if that is limited.
    pub(crate) fn of_call(began: Instant, timeout: Option<Duration>) -> Self {
        // A deadline that no clock can tell is none.
        Self { bytes: MAX_BYTES, until: timeout.and_then(|time| began.checked_add(time)) }
    }
}

/// Why no more is read.
#[derive(Debug, thiserror::Error)]
enum BoundsError {
    #[error("its end had not come at the call's deadline: give it longer with --timeout")]
    Late,
    #[error(
        "it is longer than {}, the most that is read before a call: send events on STDIN as they come, \
         with --content-type application/cloudevents+json",
        units::bytes(MAX_BYTES)
    )]
    Long,
}

/// Whether something had not come in time.
pub(crate) fn is_late(error: &anyhow::Error) -> bool {
    let inner = |error: &'_ (dyn std::error::Error + 'static)| {
        let error = error.downcast_ref::<io::Error>()?.get_ref()?;
        error.downcast_ref::<BoundsError>().map(|error| matches!(error, BoundsError::Late))
    };
    error.chain().find_map(inner) == Some(true)
}

/// A file that is read within bounds, whether or not it waits by itself.
#[derive(Debug)]
pub(super) struct Bounded {
    file: File,
    bounds: Bounds,
}

impl Bounded {
    pub(super) fn new(file: File, bounds: Bounds) -> Self {
        Self { file, bounds }
    }

    /// Waits until there is something to read, or the end.
    fn wait(&self) -> io::Result<()> {
        loop {
            let left =
                self.bounds.until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], left.as_ref()) {
                Ok(0) => return Err(io::Error::other(BoundsError::Late)),
                Err(Errno::INTR) => {}
                done => return done.map(drop).map_err(io::Error::from),
            }
        }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match self.file.read(buffer) {
                // Another process that shares it was sooner.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(bytes) => {
                    let left = self.bounds.bytes.checked_sub(bytes as u64);
                    self.bounds.bytes = left.ok_or_else(|| io::Error::other(BoundsError::Long))?;
                    return Ok(bytes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: impl Into<std::os::fd::OwnedFd>, bounds: Bounds) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Bounded::new(File::from(file.into()), bounds).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn what_does_not_end_ends_at_the_deadline() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let bounds = Bounds::of_call(Instant::now(), Some(Duration::from_millis(5)));
        let error = read(reader, bounds).expect_err("nobody writes");
        assert!(is_late(&error), "{error:#}");
        drop(writer);
        let bounds = Bounds::of_call(Instant::now(), Some(Duration::MAX));
        assert_eq!(read(File::open("/dev/null").expect("it"), bounds).expect("nothing"), b"");
    }

    #[test]
    fn what_is_too_long_is_not_held() {
        let zeros = File::open("/dev/zero").expect("the device");
        let bounds = Bounds { bytes: 1 << 20, until: None };
        let error = read(zeros, bounds).expect_err("there is no end");
        assert!(!is_late(&error) && error.to_string().contains("--content-type"), "{error:#}");
    }
}
