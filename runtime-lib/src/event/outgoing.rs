//! Answers on their way to STDOUT, in the form that the call asks for or that the events came in.

use alloc::vec::Vec;

use ampoule_event::stream::Writer;
use ampoule_event::{ACCEPT, Event, Mode};

use crate::io::{Stdout, Write, stdout};
use crate::{Error, Result, env};

/// Bytes that are gathered before they leave, as far as nobody waits for them.
const GATHERED_BYTES: usize = 32 << 10;

/// Where answers go.
#[derive(Debug)]
pub(super) struct Answers {
    form: Form,
    bytes: Vec<u8>,
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
        let wanted = match env::var(ACCEPT) {
            Some(accepted) => Mode::of(Some(accepted), true).map_err(Error::config)?,
            None => mode,
        };
        let form = match wanted {
            Mode::Raw | Mode::Binary => Form::Data,
            wanted => Form::Whole(Writer::new(wanted).map_err(Error::config)?),
        };
        Ok(Self { form, bytes: Vec::new(), output: stdout() })
    }

    /// Adds one.
    pub(super) fn add(&mut self, event: &Event) -> Result {
        match &mut self.form {
            Form::Data => {
                self.bytes.extend_from_slice(event.data().map_or(&[], ampoule_event::Data::bytes));
            }
            Form::Whole(writer) => writer.add(event, &mut self.bytes).map_err(Error::data)?,
        }
        if self.bytes.len() >= GATHERED_BYTES {
            self.flush()?;
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
