//! The guest's frames, to STDOUT and STDERR, in order and as they come (SPEC C1).

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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

/// Says how a call ends, if it is to end now; asked whenever a system call was interrupted.
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
                    match write_all(&mut self.stdout, data, interrupted) {
                        Ok(None) => self.traffic.wrote_stdout(data.len()),
                        Ok(ending) => return ending,
                        Err(error) => return Some(stdout_ending(error)),
                    }
                    if !is_whole {
                        break Some(Ending::Exceeded(Limit::Output));
                    }
                }
                Ok(Some(Item::Stderr(data))) => {
                    let (data, is_whole) = within(&mut self.left, data);
                    self.traffic.bytes_err.fetch_add(data.len() as u64, Ordering::Relaxed);
                    let stderr = self.stderr.as_mut();
                    match stderr.map_or(Ok(None), |stderr| write_all(stderr, data, interrupted)) {
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

/// As [`Write::write_all`], but ends with the call.
fn write_all(
    sink: &mut impl Write,
    mut data: &[u8],
    interrupted: Interruption,
) -> io::Result<Option<Ending>> {
    while !data.is_empty() {
        match sink.write(data) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => data = &data[written..],
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
