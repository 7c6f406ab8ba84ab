//! The events of STDIN, in whatever mode the call says they come.

use alloc::format;

use ampoule_event::stream::Reader;
use ampoule_event::{CONTENT_TYPE, Event, Format, Mode, from_environment};

use super::Cause;
use crate::io::{BufRead, ReadExt, Stdin, stdin};
use crate::{Error, Result, env};

/// The events of a call, one after the other. No more than one of them is held.
///
/// An error is the input's: what is no event, with the clause of CloudEvents 1.0.2 that says so.
#[derive(Debug)]
pub struct Events {
    input: Stdin,
    form: Form,
    mode: Mode,
    is_over: bool,
    /// Whether all that has come is used up.
    is_dry: bool,
    /// What an answer to all of them answers: the first.
    cause: Cause,
    /// What was wrong with the input.
    failure: Option<Error>,
}

/// Where events are in the bytes of STDIN.
#[derive(Debug)]
enum Form {
    /// All of it is the data of one, whose attributes are in the environment.
    Data,
    /// Attributes are beside their data.
    Whole(Reader),
}

impl Events {
    /// The events of this call, as its environment says; in JSON if it says nothing.
    pub(super) fn open() -> Result<Self> {
        let mode = settled(declared()?, content_type())?;
        let form = match mode {
            Mode::Raw | Mode::Binary => Form::Data,
            mode => Form::Whole(Reader::new(mode).map_err(Error::config)?),
        };
        Ok(Self {
            input: stdin(),
            form,
            mode,
            is_over: false,
            is_dry: true,
            cause: Cause::NONE,
            failure: None,
        })
    }

    /// How they come.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The next one; before it is waited for, `before_waiting` is called.
    pub(super) fn next_after(
        &mut self,
        before_waiting: impl FnMut() -> Result,
    ) -> Result<Option<Event>> {
        if self.is_over {
            return Ok(None);
        }
        let event = self.advance(before_waiting);
        if let Err(error) = &event {
            self.is_over = true;
            self.failure = Some(Error::new(error.status(), error));
        }
        if let (Ok(Some(event)), None) = (&event, self.cause.event()) {
            self.cause = Cause::of(event);
        }
        event
    }

    /// What was wrong with the input, which a handler may have passed over.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// What an answer to all of them answers: the first, if there was any.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    fn advance(&mut self, mut before_waiting: impl FnMut() -> Result) -> Result<Option<Event>> {
        let reader = match &mut self.form {
            Form::Whole(reader) => reader,
            Form::Data => {
                self.is_over = true;
                let data = self.input.read_all()?;
                return from_environment(env::vars_bytes(), data).map(Some).map_err(Error::data);
            }
        };
        loop {
            if self.is_dry {
                before_waiting()?;
            }
            let mut bytes = self.input.fill_buf()?;
            let length = bytes.len();
            if length == 0 {
                self.is_over = true;
                return reader.finish().map_err(Error::data);
            }
            let event = reader.next(&mut bytes).map_err(Error::data)?;
            self.is_dry = bytes.is_empty();
            let taken = length - bytes.len();
            self.input.consume(taken);
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_after(|| Ok(())).transpose()
    }
}

/// Whether the call says that it brings events; if not, STDIN may be anything.
pub fn are_given() -> bool {
    !matches!(declared(), Ok(Mode::Raw))
}

/// The mode that the call's environment declares.
fn declared() -> Result<Mode> {
    let has_attributes = env::var_bytes(b"CE_SPECVERSION").is_some();
    Mode::of(content_type(), has_attributes).map_err(Error::data)
}

/// What is empty is as if it were not there (RFC 3875, 4.1).
fn content_type() -> Option<&'static str> {
    env::var(CONTENT_TYPE).filter(|content_type| !content_type.is_empty())
}

/// The mode in which events come: where nothing is declared they are in JSON.
fn settled(declared: Mode, content_type: Option<&str>) -> Result<Mode> {
    match (declared, content_type) {
        (Mode::Raw, None) => Ok(Mode::Structured(Format::Json)),
        (Mode::Raw, Some(content_type)) => Err(Error::data(format!(
            "the input is {content_type:?} without attributes, which is no event: give it as \
             application/cloudevents+json, or its attributes as variables (SPEC C5)"
        ))),
        (mode, _) => Ok(mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_of_events_is_json_and_what_denies_them_is_refused() {
        assert_eq!(settled(Mode::Raw, None).expect("a mode"), Mode::Structured(Format::Json));
        assert_eq!(settled(Mode::Binary, Some("text/csv")).expect("a mode"), Mode::Binary);
        let error = settled(Mode::Raw, Some("text/csv")).expect_err("it has no attributes");
        assert_eq!(error.status(), crate::status::EX_DATAERR);
        assert!(error.to_string().contains("text/csv"), "{error}");
    }
}
