//! The guest's frames, to STDOUT and STDERR, in order and as they come (SPEC C1).

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use super::parse::{Item, Parser};
use super::traffic::Traffic;
use super::{Ending, Limit};

/// Where what a guest says goes.
#[derive(Debug)]
pub(crate) struct Output<O, E> {
    parser: Parser,
    stdout: O,
    /// `None` once its reader is gone: a filter goes on without it.
    stderr: Option<E>,
    has_begun: bool,
    /// Bytes that may still be written.
    left: u64,
    traffic: Arc<Traffic>,
}

/// Says how a call ends, if it is to end now; asked whenever a system call was interrupted, and
/// between writes of what came at once: a guest can have it be as many as it likes, none of which a
/// signal need interrupt.
pub(crate) type Interruption<'a> = &'a dyn Fn() -> Option<Ending>;

impl<O: Write, E: Write> Output<O, E> {
    /// Nothing said yet, by a guest of an image that names `abi_version`.
    pub(crate) fn new(stdout: O, stderr: E, abi_version: u32, traffic: Arc<Traffic>) -> Self {
        let parser = Parser::new(abi_version);
        Self { parser, stdout, stderr: Some(stderr), has_begun: false, left: u64::MAX, traffic }
    }

    /// Ends the call when it has written so much and writes more.
    pub(crate) fn limit(mut self, bytes: u64) -> Self {
        self.left = bytes;
        self
    }

    /// Whether the guest has said anything.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Passes on what the guest said; how the call ends, if it does with that.
    pub(crate) fn take(&mut self, mut bytes: &[u8], interrupted: Interruption) -> Option<Ending> {
        self.has_begun |= !bytes.is_empty();
        let ending = loop {
            match self.parser.next(&mut bytes) {
                Ok(None) => break None,
                Ok(Some(Item::Ready(time_stamp))) => self.traffic.became_ready(time_stamp),
                Ok(Some(Item::Stdout(data))) => {
                    let (data, is_whole) = within(&mut self.left, data);
                    let count = |written| self.traffic.wrote_stdout(written);
                    match write_all(&mut self.stdout, data, interrupted, count) {
                        Ok(None) => {}
                        Ok(ending) => return ending,
                        Err(error) => return Some(stdout_ending(error)),
                    }
                    if !is_whole {
                        break Some(Ending::Exceeded(Limit::Output));
                    }
                }
                Ok(Some(Item::Stderr(data))) => {
                    let (data, is_whole) = within(&mut self.left, data);
                    let count = |written| self.traffic.wrote_stderr(written);
                    let write = |stderr| write_all(stderr, data, interrupted, count);
                    match self.stderr.as_mut().map_or(Ok(None), write) {
                        Ok(None) => {}
                        Ok(ending) => return ending,
                        Err(_) => self.stderr = None,
                    }
                    if !is_whole {
                        break Some(Ending::Exceeded(Limit::Output));
                    }
                }
                // What follows is ignored (SPEC C6.2), whether or not it came with this.
                Ok(Some(Item::Exit(exit, reason))) => break Some(Ending::Exit(exit, reason)),
                Err(error) => break Some(Ending::Protocol(error.to_string())),
            }
            if !bytes.is_empty() {
                let interruption = interrupted();
                if interruption.is_some() {
                    return interruption;
                }
            }
        };
        if let Some(stderr) = &mut self.stderr {
            let _ = stderr.flush();
        }
        loop {
            match self.stdout.flush() {
                Ok(()) => return ending,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    let interruption = interrupted();
                    if interruption.is_some() {
                        return ending.or(interruption);
                    }
                }
                Err(error) => return Some(stdout_ending(error)),
            }
        }
    }
}

/// As much of `data` as is within what is `left`, and whether that is all.
fn within<'a>(left: &mut u64, data: &'a [u8]) -> (&'a [u8], bool) {
    let bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
    *left -= bytes as u64;
    (&data[..bytes], bytes == data.len())
}

/// As [`Write::write_all`], but ends with the call, and counts what was written of it until then.
fn write_all(
    sink: &mut impl Write,
    mut data: &[u8],
    interrupted: Interruption,
    count: impl Fn(usize),
) -> io::Result<Option<Ending>> {
    while !data.is_empty() {
        match sink.write(data) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                count(written);
                data = &data[written..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                let ending = interrupted();
                if ending.is_some() {
                    return Ok(ending);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn stdout_ending(error: io::Error) -> Ending {
    match error.kind() {
        ErrorKind::BrokenPipe => Ending::StdoutClosed,
        _ => Ending::StdoutFailed(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;

    use ampoule_abi::ABI_VERSION;
    use ampoule_abi::messages::{Ready, ToHost, to_host::Kind};
    use prost::Message;

    use super::*;

    fn frames(kinds: impl IntoIterator<Item = Kind>) -> Vec<u8> {
        let ready = Kind::Ready(Ready { abi_version: ABI_VERSION, time_stamp: 0 });
        let kinds = [ready].into_iter().chain(kinds);
        let frame = |kind| ToHost { kind: Some(kind) }.encode_length_delimited_to_vec();
        kinds.flat_map(frame).collect()
    }

    /// Takes so many bytes, and is interrupted from then on.
    struct Short(usize);

    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(ErrorKind::Interrupted.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Passes this on until so many bytes of STDOUT are written, at which the call is to end; what was
    /// counted.
    fn counted(kinds: impl IntoIterator<Item = Kind>, stdout: usize, end: u64) -> [u64; 2] {
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let is_due = || count(&traffic.bytes_out) == end;
        let mut output = Output::new(Short(stdout), Short(9), ABI_VERSION, Arc::clone(&traffic));
        let ending = output.take(&frames(kinds), &|| is_due().then_some(Ending::StdoutClosed));
        assert!(matches!(ending, Some(Ending::StdoutClosed)), "{ending:?}");
        [&traffic.bytes_out, &traffic.bytes_err].map(count)
    }

    #[test]
    fn a_call_ends_between_writes_that_nothing_interrupts() {
        let frames = (0..100).map(|_| Kind::Stdout(vec![b'x'].into()));
        assert_eq!(counted(frames, 100, 3), [3, 0]);
    }

    #[test]
    fn what_was_written_before_the_end_is_counted() {
        let frames = [Kind::Stderr(vec![b'e'; 9].into()), Kind::Stdout(vec![b'x'; 9].into())];
        assert_eq!(counted(frames, 4, 4), [4, 9]);
    }
}
