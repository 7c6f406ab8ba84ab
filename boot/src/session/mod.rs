//! One call's conversation: frames on a guest's stream, STDIN, STDOUT and STDERR, a deadline.
//!
//! Three threads: one pumps STDIN, one relays output, and the caller's coordinates. Whatever
//! blocks the first two, a deadline or a signal still ends the call, because the third waits for
//! nothing but events.

mod ending;
mod parse;
mod pump;
mod relay;
#[cfg(test)]
mod tests;
pub(crate) mod traffic;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ampoule_abi::exit::Reason as ExitReason;
use ampoule_abi::messages::Exit;

use crate::guest::{Guest, GuestEnd};
pub(crate) use ending::{Ending, printable};
pub use parse::ProtocolError;
use relay::Sinks;
use traffic::Traffic;

/// How long a machine whose stream has ended may take to say why.
const GRACE: Duration = Duration::from_secs(5);

/// Something that the coordinator hears of.
#[derive(Debug)]
pub(crate) enum Event {
    Ready,
    Exit(Exit, ExitReason),
    Protocol(ProtocolError),
    StreamEnded,
    StdinFailed(io::Error),
    StdoutClosed,
    StdoutFailed(io::Error),
    Stop(StopCause),
}

/// Why a call is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// SIGINT, or what is like it.
    Interrupted,
    /// SIGTERM, or what is like it.
    Terminated,
}

/// Stops a call from any thread; harmless once the call has ended.
#[derive(Clone, Debug)]
pub struct Stopper(pub(crate) Sender<Event>);

impl Stopper {
    /// Ends the call's machine and lets the call return.
    pub fn stop(&self, cause: StopCause) {
        let _ = self.0.send(Event::Stop(cause));
    }
}

/// What a session connects a guest to.
pub(crate) struct Streams<I, O, E> {
    pub(crate) stdin: I,
    pub(crate) stdout: O,
    pub(crate) stderr: E,
}

/// The two ends of the channel on which a session's events travel.
pub(crate) type Events = (Sender<Event>, Receiver<Event>);

/// What a session learnt.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) ending: Ending,
    pub(crate) ready: Option<Duration>,
}

/// Holds the conversation until the outcome is known. The guest still runs then, as far as it
/// has not ended by itself; threads that are blocked on STDIN or STDOUT are left behind.
pub(crate) fn converse<I, O, E>(
    guest: &Guest,
    start: Vec<u8>,
    streams: Streams<I, O, E>,
    deadline: Option<Instant>,
    traffic: &Arc<Traffic>,
    events: &Events,
) -> io::Result<Learnt>
where
    I: Read + Send + 'static,
    O: Write + Send + 'static,
    E: Write + Send + 'static,
{
    let Streams { stdin, stdout, stderr } = streams;
    let (to_guest, from_guest) = (guest.stream().try_clone()?, guest.words()?);
    let (sender, counters) = (events.0.clone(), Arc::clone(traffic));
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || pump::pump(&start, stdin, to_guest, &counters, &sender))?;
    let (sender, counters) = (events.0.clone(), Arc::clone(traffic));
    let sinks = Sinks { stdout, stderr: Some(stderr) };
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || relay::relay(from_guest, sinks, &counters, &sender))?;
    Ok(coordinate(guest, deadline, traffic, &events.1))
}

fn coordinate(
    guest: &Guest,
    deadline: Option<Instant>,
    traffic: &Traffic,
    events: &Receiver<Event>,
) -> Learnt {
    let mut ready = None;
    let ending = loop {
        match next(events, deadline) {
            Err(_) => break Ending::DeadlineExceeded,
            Ok(Event::Ready) => ready = Some(traffic.began().elapsed()),
            Ok(Event::Exit(exit, reason)) => break Ending::Exit(exit, reason),
            Ok(Event::Protocol(error)) => break Ending::Protocol(error.to_string()),
            Ok(Event::StreamEnded) => break Ending::Machine(why_ended(guest, deadline)),
            Ok(Event::StdinFailed(error)) => break Ending::StdinFailed(error),
            Ok(Event::StdoutClosed) => break Ending::StdoutClosed,
            Ok(Event::StdoutFailed(error)) => break Ending::StdoutFailed(error),
            Ok(Event::Stop(cause)) => break Ending::Stopped(cause),
        }
    };
    Learnt { ending, ready }
}

fn next(events: &Receiver<Event>, deadline: Option<Instant>) -> Result<Event, RecvTimeoutError> {
    match deadline {
        // A deadline that has passed comes before events: a flood of them must not hold it up.
        Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => events.recv_timeout(left),
            _ => Err(RecvTimeoutError::Timeout),
        },
        None => events.recv().map_err(RecvTimeoutError::from),
    }
}

fn why_ended(guest: &Guest, deadline: Option<Instant>) -> GuestEnd {
    let longest = deadline
        .map_or(GRACE, |deadline| deadline.saturating_duration_since(Instant::now()).min(GRACE));
    let unknown = || GuestEnd::Failed("its stream ended, but it did not".to_owned());
    guest.wait(longest).unwrap_or_else(unknown)
}
