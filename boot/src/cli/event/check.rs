//! `ampoule event check`.

use std::path::PathBuf;

use clap::Args;

use super::bounds::Bounds;
use super::{Format, files};
use ampoule_boot::program::standard;

/// Says whether a file holds nothing but valid events.
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 if all is valid, with 65 at the first thing that is not, which a message names. A file with
nothing in it holds no event, and none that is wrong: the count tells.

Examples:
  ampoule event check event.json
  ampoule event new --example sqs --to protobuf | ampoule event check --format protobuf -")]
pub(super) struct Check {
    /// The format [default: what it begins like]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Take Protobuf for a batch
    #[arg(long)]
    batch: bool,

    /// The file, or - for STDIN: an event, several JSON events one after the other, or a batch
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let format = self.format.map(Into::into);
        let events = files::Events::open(&self.path, format, self.batch, Bounds::NONE)?;
        let mut count = 0_u64;
        for event in events {
            event?;
            count += 1;
        }
        let noun = if count == 1 { "event" } else { "events" };
        standard::print(format!("{}: {count} valid {noun}\n", self.path.display()).as_bytes())?;
        Ok(0)
    }
}
