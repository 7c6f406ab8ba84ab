//! Answers on their way to STDOUT, in the form that the call asks for or that the events came in.

use alloc::vec::Vec;

use ampoule_event::stream::Writer;
use ampoule_event::{ACCEPT, Event, Mode, to_data};

use crate::io::{Stdout, Write, stdout};
use crate::time::{Duration, Instant};
use crate::{Error, Result, env};

/// Bytes that are gathered before they leave, as far as nobody waits for them.
const GATHERED_BYTES: usize = 32 << 10;

/// For how long: what a slow handler has answered is not held back, nor lost if it then fails badly.
const GATHERED_FOR: Duration = Duration::from_millis(1);

/// Where answers go.
#[derive(Debug)]
pub(super) struct Answers {
    form: Form,
    bytes: Vec<u8>,
    /// Answers so far.
    count: u64,
    /// When some were sent last; the first goes at once, so that a call with one asks for no time.
    sent: Option<Instant>,
    output: Stdout,
}

#[derive(Debug)]
enum Form {
    /// The data alone.
    Data,
    /// Attributes beside their data.
    Whole(Writer),
}

impl Answers {
    /// Answers to events that came in `mode`.
    pub(super) fn to(mode: Mode) -> Result<Self> {
        let form = match env::var(ACCEPT).and_then(accepted).unwrap_or(mode) {
            Mode::Raw | Mode::Binary => Form::Data,
            wanted => Form::Whole(Writer::new(wanted).map_err(Error::config)?),
        };
        Ok(Self { form, bytes: Vec::new(), count: 0, sent: None, output: stdout() })
    }

    /// Adds one.
    pub(super) fn add(&mut self, event: &Event) -> Result {
        match &mut self.form {
            Form::Data => {
                self.bytes.extend_from_slice(to_data(event).map_err(Error::data)?);
            }
            Form::Whole(writer) => writer.add(event, &mut self.bytes).map_err(Error::config)?,
        }
        self.count += 1;
        let is_late = self.sent.is_none_or(|sent| sent.elapsed() >= GATHERED_FOR);
        if is_late || self.bytes.len() >= GATHERED_BYTES {
            self.flush()?;
            self.sent = (self.count > 1).then(Instant::now);
        }
        Ok(())
    }

    /// Sends what has been gathered.
    pub(super) fn flush(&mut self) -> Result {
        if !self.bytes.is_empty() {
            self.output.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Ends the form, and sends all that is left.
    pub(super) fn finish(mut self) -> Result {
        if let Form::Whole(writer) = &mut self.form {
            writer.finish(&mut self.bytes);
        }
        self.flush()
    }
}

/// The first of the media types in `list` that is one of events (RFC 9110, 12.5.1); how much each is
/// wanted is not looked at.
fn accepted(list: &str) -> Option<Mode> {
    let modes =
        list.split(',').filter_map(|media_type| Mode::of(Some(media_type.trim()), true).ok());
    modes.into_iter().find(|mode| mode.format().is_some())
}

#[cfg(test)]
mod tests {
    use ampoule_event::Format;

    use super::*;

    #[test]
    fn what_names_no_event_leaves_the_form_as_it_is() {
        for list in ["*/*", "", "application/json", "application/cloudevents+xml"] {
            assert_eq!(accepted(list), None, "{list}");
        }
        let list =
            "text/html, application/cloudevents+protobuf;q=0.9, application/cloudevents+json";
        assert_eq!(accepted(list), Some(Mode::Structured(Format::Protobuf)));
    }
}
