//! `ampoule event convert`.

use std::path::PathBuf;

use ampoule_event::Mode;
use ampoule_event::stream::Writer;
use clap::Args;

use super::bounds::Bounds;
use super::{Format, files};
use ampoule_boot::program::standard;

/// Bytes that are gathered before they are printed.
const GATHERED_BYTES: usize = 64 << 10;

/// Writes the events of a file in another format.
#[derive(Debug, Args)]
#[command(after_help = "\
A batch stays a batch, and events that follow each other do so in JSON alone.

Examples:
  ampoule event convert --to protobuf event.json > event.pb
  ampoule event convert --to protobuf --batch events.jsonl > batch.pb
  ampoule event convert --to json --batch batch.pb")]
pub(super) struct Convert {
    /// The format to write
    #[arg(long, value_enum)]
    to: Format,

    /// The format to read [default: what it begins like]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Take Protobuf for a batch, and write a batch
    #[arg(long)]
    batch: bool,

    /// The file, or - for STDIN: an event, several JSON events one after the other, or a batch
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let format = self.format.map(Into::into);
        let mut events = files::Events::open(&self.path, format, self.batch, Bounds::NONE)?;
        let to = self.to.into();
        let mode = match self.batch || matches!(events.mode(), Mode::Batched(_)) {
            true => Mode::Batched(to),
            false => Mode::Structured(to),
        };
        let mut writer = Writer::new(mode)?;
        let mut bytes = Vec::new();
        while let Some(event) = events.next() {
            // What came before something wrong is printed all the same.
            let added = event.and_then(|event| Ok(writer.add(&event, &mut bytes)?));
            if bytes.len() >= GATHERED_BYTES || events.is_dry() || added.is_err() {
                standard::print(&bytes)?;
                bytes.clear();
            }
            added?;
        }
        writer.finish(&mut bytes);
        standard::print(&bytes)?;
        Ok(0)
    }
}
