//! `ampoule event`: CloudEvents made, checked and converted; and those that a call is given.
//!
//! ```text
//! options, files, examples -> events -> delivery -> variables and STDIN of a call
//! ```

mod attributes;
mod bounds;
mod check;
mod convert;
mod delivery;
mod examples;
mod files;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod new;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) use bounds::{Bounds, is_late};
pub(crate) use delivery::{Delivery, EventOptions, check};

/// Makes, checks and converts events (CloudEvents 1.0.2).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Event {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(Box<new::New>),
    Check(check::Check),
    Convert(convert::Convert),
}

const EXAMPLES: &str = "\
Examples:
  ampoule event new --type com.example.greeted --source /door --data '{\"name\":\"Ada\"}'
  ampoule event new --example github-push | ampoule run route.elf
  ampoule event check event.json
  ampoule event convert --to protobuf event.json > event.pb";

/// An event format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CloudEvents' JSON format
    Json,
    /// CloudEvents' Protobuf format
    Protobuf,
}

impl From<Format> for ampoule_event::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Protobuf => Self::Protobuf,
        }
    }
}

impl Event {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self.verb {
            Verb::New(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Convert(verb) => verb.run(),
        }
    }
}

/// Whether it is an event that is wrong, and not how or where it was given.
pub(crate) fn is_bad_event(error: &anyhow::Error) -> bool {
    use ampoule_event::Error;
    let error = error.downcast_ref::<Error>();
    error.is_some_and(|error| !matches!(error, Error::OneOnly | Error::NoFormat(_)))
}
