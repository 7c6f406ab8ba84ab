//! `ampoule event new`.

use ampoule_event::Mode;
use ampoule_event::stream::Writer;
use clap::Args;

use super::Format;
use super::attributes::Attributes;
use super::bounds::Bounds;
use ampoule_boot::program::standard;

/// Prints an event.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ampoule event new --type com.example.greeted --data '{\"name\":\"Ada\"}'
  ampoule event new --example s3 --time 2026-01-31T12:00:00Z --ext tenant=blue
  ampoule event new --type com.example.seen --data-file photo.jpg --content-type image/jpeg --to protobuf")]
pub(super) struct New {
    /// The format to write
    #[arg(long, value_enum, default_value = "json")]
    to: Format,

    #[command(flatten)]
    attributes: Attributes,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let data = self.attributes.read_data(Bounds::NONE)?;
        let event = self.attributes.event(None, data.as_deref())?;
        let mut bytes = Vec::new();
        let mut writer = Writer::new(Mode::Structured(self.to.into()))?;
        writer.add(&event, &mut bytes)?;
        writer.finish(&mut bytes);
        standard::print(&bytes)?;
        Ok(0)
    }
}
