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
use parse::Parser;
pub use parse::ProtocolError;
use relay::Sinks;
use traffic::Traffic;

/// How long a machine whose stream has ended may take to say why.
const GRACE: Duration = Duration::from_secs(5);

/// How long the wait for that goes on before a signal is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// Something that the coordinator hears of.
#[derive(Debug)]
pub(crate) enum Event {
    /// The runtime is up, this long after the call began.
    Ready(Duration),
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
    /// Ends the call's machine and lets the call return; whether the call was still there to hear
    /// it.
    pub fn stop(&self, cause: StopCause) -> bool {
        self.0.send(Event::Stop(cause)).is_ok()
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

/// Holds the conversation with a guest of `abi_version` until the outcome is known. The guest
/// still runs then, as far as it has not ended by itself; threads that are blocked on STDIN or
/// STDOUT are left behind.
pub(crate) fn converse<I, O, E>(
    guest: &Guest,
    abi_version: u32,
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
    let parser = Parser::new(abi_version);
    let sinks = Sinks { stdout, stderr: Some(stderr) };
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || relay::relay(from_guest, parser, sinks, &counters, &sender))?;
    Ok(coordinate(guest, deadline, &events.1))
}

fn coordinate(guest: &Guest, deadline: Option<Instant>, events: &Receiver<Event>) -> Learnt {
    let mut ready = None;
    let ending = loop {
        match next(events, deadline) {
            Err(_) => break Ending::DeadlineExceeded,
            Ok(Event::Ready(time)) => ready = Some(time),
            Ok(Event::Exit(exit, reason)) => break Ending::Exit(exit, reason),
            Ok(Event::Protocol(error)) => break Ending::Protocol(error.to_string()),
            Ok(Event::StreamEnded) => break why_ended(guest, deadline, events),
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
        // What has happened by now comes before a deadline that has just passed: a function that
        // made it is not failed. A flood cannot hold it up, since all events but one are last.
        Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        None => events.recv().map_err(RecvTimeoutError::from),
    }
}

/// Why the machine ended whose stream has; a deadline or a signal does not wait for that.
fn why_ended(guest: &Guest, deadline: Option<Instant>, events: &Receiver<Event>) -> Ending {
    let unknown = || GuestEnd::Failed("its stream ended, but it did not".to_owned());
    let patience = Instant::now() + GRACE;
    let last = deadline.map_or(patience, |deadline| deadline.min(patience));
    loop {
        let left = last.saturating_duration_since(Instant::now());
        match guest.wait_again(left.min(GLANCE)) {
            Ok(end) => return Ending::Machine(end),
            Err(RecvTimeoutError::Disconnected) => return Ending::Machine(unknown()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        for event in events.try_iter() {
            if let Event::Stop(cause) = event {
                return Ending::Stopped(cause);
            }
        }
        if left.is_zero() {
            let is_late = deadline.is_some_and(|deadline| deadline == last);
            return if is_late { Ending::DeadlineExceeded } else { Ending::Machine(unknown()) };
        }
    }
}
