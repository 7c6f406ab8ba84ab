//! An event out of the one that caused it.

use alloc::format;
use alloc::string::String;

use ampoule_event::{Event, Timestamp};

use crate::{Result, env, random, time};

/// What an answer answers: the attributes of the event that came, or nothing if none did.
#[derive(Clone, Debug)]
pub struct Cause(Option<Event>);

impl Cause {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn of(event: &Event) -> Self {
        Self(Some(event.without_data()))
    }

    /// The event, without its data.
    pub fn event(&self) -> Option<&Event> {
        self.0.as_ref()
    }

    /// An answer to it: see [`EventExt::answer`].
    pub fn answer(&self, event_type: &str) -> Result<Event> {
        answer(self.0.as_ref(), event_type)
    }

    /// An answer whose `type` is the cause's, with `.answer` behind it.
    pub(super) fn answer_by_default(&self) -> Result<Event> {
        let cause = self.0.as_ref().map_or("ampoule", Event::event_type);
        self.answer(&format!("{cause}.answer"))
    }
}

/// What a function does with an event, besides what an event has anywhere.
pub trait EventExt {
    /// An event of `event_type` that this one caused (SPEC C5.5): `id` is new, `source` is
    /// `ampoule:` and the function's name, `time` is now; `causationid`, `correlationid` and the
    /// trace continue this event's, or the trace of the call if the event has none.
    fn answer(&self, event_type: &str) -> Result<Event>;
}

impl EventExt for Event {
    fn answer(&self, event_type: &str) -> Result<Event> {
        answer(Some(self), event_type)
    }
}

fn answer(cause: Option<&Event>, event_type: &str) -> Result<Event> {
    let source = format!("ampoule:{}", env::name());
    let mut event = Event::new(&uuid(), &source, event_type)?;
    let now = time::wall_clock();
    if let Some(now) = Timestamp::from_unix(now.as_secs().cast_signed(), now.subsec_nanos()) {
        event = event.with_time(now);
    }
    if let Some(cause) = cause {
        event = event.caused_by(cause, random::u64().to_ne_bytes());
    }
    // Where the cause is in no trace, the call may be.
    let parent = env::var("TRACEPARENT").and_then(|parent| parent.parse().ok());
    Ok(event.traced(parent, env::var("TRACESTATE"), random::u64().to_ne_bytes()))
}

/// A random UUID (RFC 9562, 5.4).
fn uuid() -> String {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    let version = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let digits = format!("{version:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_it_answers() {
        let cause = Event::new("1", "/here", "com.example.asked").expect("an event");
        let answer = cause.answer("com.example.answered").expect("an answer");
        assert_eq!(answer.event_type(), "com.example.answered");
        assert_eq!(answer.extension("causationid"), Some(&"1".into()));
        assert_eq!(answer.extension("correlationid"), Some(&"1".into()));
        assert!(answer.time().is_some() && answer.source().as_str().starts_with("ampoule:"));
        let next = answer.answer("com.example.done").expect("an answer");
        assert_eq!(next.extension("causationid"), Some(&answer.id().into()));
        assert_eq!(next.extension("correlationid"), Some(&"1".into()));
        assert_ne!(next.id(), answer.id());
    }

    #[test]
    fn an_id_is_a_random_uuid() {
        let (one, two) = (uuid(), uuid());
        assert_ne!(one, two);
        for id in [one, two] {
            assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id}");
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        }
    }
}
