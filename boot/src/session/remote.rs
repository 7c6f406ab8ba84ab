//! The dialogue with a guest at the other end of a stream, such as QEMU's.
//!
//! Three threads: one passes STDIN on, one output, and the caller's coordinates. Whatever blocks
//! the first two, a deadline or a signal still ends the call, because the third waits for
//! nothing but events. Back-pressure is the blocking write.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ampoule_abi::frame::{DATA_BYTES, MAX_HEADER_BYTES};

use super::{Dialogue, Ending, Input, Limit, Output, Stopper, Watch};
use crate::guest::{Guest, GuestEnd};

/// How long a machine whose stream has ended may take to say why.
const GRACE: Duration = Duration::from_secs(5);

/// How long a wait goes on before something is looked for of which no event tells.
const GLANCE: Duration = Duration::from_millis(20);

/// Something that the coordinator hears of.
#[derive(Debug)]
pub(super) enum Event {
    End(Ending),
    StreamEnded,
}

/// Where the threads tell of events.
struct Teller {
    events: Sender<Event>,
    stopper: Stopper,
}

impl Teller {
    fn tell(&self, event: Event) {
        // Nobody listens any more once the outcome is known.
        let _ = self.events.send(event);
        self.stopper.ring();
    }
}

/// Holds the dialogue until its end is known, or its machine has used up its processor time. The guest still runs then, as far as it has not
/// ended by itself; threads that are blocked on STDIN or STDOUT are left behind.
pub(crate) fn converse<I, O, E>(
    guest: &Guest,
    dialogue: Dialogue<I, O, E>,
    cpu_time: Option<Duration>,
) -> io::Result<Ending>
where
    I: Read + Send + 'static,
    O: Write + Send + 'static,
    E: Write + Send + 'static,
{
    let Dialogue { input, output, watch } = dialogue;
    let (to_guest, from_guest) = (guest.stream().try_clone()?, guest.words()?);
    let (events, receiver) = mpsc::channel();
    let teller = || Teller { events: events.clone(), stopper: watch.stopper() };
    let (for_input, for_output) = (teller(), teller());
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || pump(input, to_guest, &for_input))?;
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || relay(from_guest, output, &for_output))?;
    Ok(coordinate(guest, &watch, cpu_time, &receiver))
}

/// Passes on STDIN. Ends early, in silence, if the guest is gone: that is for whoever reads its
/// stream to tell.
fn pump(mut input: Input<impl Read>, mut guest: impl Write, teller: &Teller) {
    let mut buffer = vec![0; MAX_HEADER_BYTES + DATA_BYTES];
    loop {
        match input.fill(&mut buffer) {
            Ok(0) => return,
            Ok(bytes) if guest.write_all(&buffer[..bytes]).is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return teller.tell(Event::End(Ending::StdinFailed(error))),
        }
    }
}

/// Passes on what the guest says until its stream ends or something else does.
fn relay(mut guest: impl Read, mut output: Output<impl Write, impl Write>, teller: &Teller) {
    let mut buffer = vec![0; DATA_BYTES];
    let last = loop {
        let read = match guest.read(&mut buffer) {
            Ok(0) => break Event::StreamEnded,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A socket whose other end was closed with bytes unread says so only after its data.
            Err(_) => break Event::StreamEnded,
        };
        if let Some(ending) = output.take(&buffer[..read], &|| None) {
            break Event::End(ending);
        }
    };
    // STDOUT is closed by now: its reader need not wait for the outcome.
    drop(output);
    teller.tell(last);
}

fn coordinate(
    guest: &Guest,
    watch: &Watch,
    cpu_time: Option<Duration>,
    events: &Receiver<Event>,
) -> Ending {
    loop {
        // What has happened by now comes before a deadline that has just passed: a function that
        // made it is not failed.
        match events.try_recv() {
            Ok(Event::End(ending)) => return ending,
            Ok(Event::StreamEnded) => return why_ended(guest, watch),
            Err(_) => {}
        }
        if let Some(ending) = watch.ending() {
            return ending;
        }
        if cpu_time.zip(guest.cpu_time()).is_some_and(|(most, used)| used >= most) {
            return Ending::Exceeded(Limit::CpuTime);
        }
        watch.wait(cpu_time.map(|_| GLANCE));
    }
}

/// Why the machine ended whose stream has; a deadline or a signal does not wait for that.
fn why_ended(guest: &Guest, watch: &Watch) -> Ending {
    let unknown = || GuestEnd::Failed("its stream ended, but it did not".to_owned());
    let patience = Instant::now() + GRACE;
    loop {
        let left = patience.saturating_duration_since(Instant::now());
        match guest.wait_again(left.min(GLANCE)) {
            Ok(end) => return Ending::Machine(end),
            Err(RecvTimeoutError::Disconnected) => return Ending::Machine(unknown()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(ending) = watch.ending() {
            return ending;
        }
        if left.is_zero() {
            return Ending::Machine(unknown());
        }
    }
}
