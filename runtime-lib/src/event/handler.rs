//! What a handler may be: a function of an event, or of its data, or of all events of a call.

use ampoule_event::Event;

use super::Cause;
use super::incoming::Events;
use super::outgoing::Answers;
use crate::{Error, Result};

/// What a handler may take: an [`Event`], or what can be made of one.
pub trait FromEvent: Sized {
    /// Makes it of an event, whose fault it is if that cannot be done (status 65).
    fn from_event(event: Event) -> Result<Self>;
}

impl FromEvent for Event {
    fn from_event(event: Event) -> Result<Self> {
        Ok(event)
    }
}

/// What a handler may give: `()` for no answer, an [`Event`], data of a type of one's own, or an
/// `Option` or a `Result` of these.
pub trait IntoAnswer {
    /// The answer to what `cause` brought about, if there is one.
    fn into_answer(self, cause: &Cause) -> Result<Option<Event>>;
}

impl IntoAnswer for () {
    fn into_answer(self, _: &Cause) -> Result<Option<Event>> {
        Ok(None)
    }
}

/// It goes as it is: see [`EventExt::answer`](super::EventExt::answer) for one that tells where it comes from.
impl IntoAnswer for Event {
    fn into_answer(self, _: &Cause) -> Result<Option<Event>> {
        Ok(Some(self))
    }
}

impl<T: IntoAnswer> IntoAnswer for Option<T> {
    fn into_answer(self, cause: &Cause) -> Result<Option<Event>> {
        self.map_or(Ok(None), |answer| answer.into_answer(cause))
    }
}

impl<T: IntoAnswer, E: Into<Error>> IntoAnswer for Result<T, E> {
    fn into_answer(self, cause: &Cause) -> Result<Option<Event>> {
        self.map_err(Into::into)?.into_answer(cause)
    }
}

/// A handler of one event at a time.
pub trait Handler<T, A> {
    /// The answer to `event`.
    fn handle(&mut self, event: Event) -> Result<Option<Event>>;
}

impl<F: FnMut(T) -> A, T: FromEvent, A: IntoAnswer> Handler<T, A> for F {
    fn handle(&mut self, event: Event) -> Result<Option<Event>> {
        let cause = Cause::of(&event);
        self(T::from_event(event)?).into_answer(&cause)
    }
}

/// Answers each event of the call: what [`handler!`](crate::handler) makes the program.
pub fn serve<T, A>(mut handler: impl Handler<T, A>) -> Result {
    let mut events = Events::open()?;
    let mut answers = Answers::to(events.mode())?;
    let served = serve_each(&mut events, &mut answers, &mut handler);
    // What was answered before something went wrong is an answer all the same.
    match served {
        Ok(()) => answers.finish(),
        Err(error) => answers.flush().and(Err(error)),
    }
}

fn serve_each<T, A>(
    events: &mut Events,
    answers: &mut Answers,
    handler: &mut impl Handler<T, A>,
) -> Result {
    while let Some(event) = events.next_after(|| answers.flush())? {
        if let Some(answer) = handler.handle(event)? {
            answers.add(&answer)?;
        }
    }
    Ok(())
}

/// Answers all events of the call at once: what [`batch_handler!`](crate::batch_handler) makes the
/// program.
pub fn serve_batch<A: IntoAnswer>(handler: impl FnOnce(&mut Events) -> A) -> Result {
    let mut events = Events::open()?;
    let mut answers = Answers::to(events.mode())?;
    let answer = handler(&mut events).into_answer(events.cause())?;
    if let Some(failure) = events.take_failure() {
        return Err(failure);
    }
    if let Some(answer) = answer {
        answers.add(&answer)?;
    }
    answers.finish()
}
