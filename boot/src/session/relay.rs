//! The guest's frames, to STDOUT and STDERR, in order and as they come (SPEC C1).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use ampoule_abi::frame::DATA_BYTES;

use super::Event;
use super::parse::{Item, Parser};
use super::traffic::Traffic;

/// Where a guest's output goes.
pub(super) struct Sinks<O, E> {
    pub(super) stdout: O,
    /// `None` once its reader is gone: a filter goes on without it.
    pub(super) stderr: Option<E>,
}

/// Passes on what the guest sends until its stream ends or something else does, which is the
/// last event sent.
pub(super) fn relay<O: Write, E: Write>(
    mut guest: impl Read,
    mut parser: Parser,
    mut sinks: Sinks<O, E>,
    traffic: &Traffic,
    events: &Sender<Event>,
) {
    let mut buffer = vec![0; DATA_BYTES];
    let last = loop {
        let read = match guest.read(&mut buffer) {
            Ok(0) => break Event::StreamEnded,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A socket whose other end was closed with bytes unread says so only after its data.
            Err(_) => break Event::StreamEnded,
        };
        if let Some(last) = pass(&buffer[..read], &mut parser, &mut sinks, traffic, events) {
            break last;
        }
    };
    // Nobody listens any more once the outcome is known.
    let _ = events.send(last);
}

/// Passes on what was read at once; the last event, if this is the end.
fn pass<O: Write, E: Write>(
    mut bytes: &[u8],
    parser: &mut Parser,
    sinks: &mut Sinks<O, E>,
    traffic: &Traffic,
    events: &Sender<Event>,
) -> Option<Event> {
    let mut last = None;
    loop {
        match parser.next(&mut bytes) {
            Ok(None) => break,
            Ok(Some(Item::Ready)) => drop(events.send(Event::Ready(traffic.began().elapsed()))),
            Ok(Some(Item::Stdout(data))) => match sinks.stdout.write_all(data) {
                Ok(()) => traffic.wrote_stdout(data.len()),
                Err(error) => return Some(stdout_event(error)),
            },
            Ok(Some(Item::Stderr(data))) => {
                traffic.bytes_err.fetch_add(data.len() as u64, Ordering::Relaxed);
                if sinks.stderr.as_mut().is_some_and(|stderr| stderr.write_all(data).is_err()) {
                    sinks.stderr = None;
                }
            }
            Ok(Some(Item::Exit(exit, reason))) => {
                // What follows is ignored (SPEC C6.2), whether or not it came with this read.
                last = Some(Event::Exit(exit, reason));
                break;
            }
            Err(error) => {
                last = Some(Event::Protocol(error));
                break;
            }
        }
    }
    if let Some(stderr) = &mut sinks.stderr {
        let _ = stderr.flush();
    }
    match sinks.stdout.flush() {
        Ok(()) => last,
        Err(error) => Some(stdout_event(error)),
    }
}

fn stdout_event(error: io::Error) -> Event {
    match error.kind() {
        ErrorKind::BrokenPipe => Event::StdoutClosed,
        _ => Event::StdoutFailed(error),
    }
}
