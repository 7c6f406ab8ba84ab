//! An event from options.

use std::path::PathBuf;

use ampoule_event::{Event, JsonText, Kind, MediaType, Timestamp, Uri, Value};
use anyhow::{Context as _, bail};
use clap::Args;

use super::bounds::Bounds;
use super::{examples, files};

pub(super) const HEADING: &str = "Events";

/// What makes an event, or is changed of one.
#[derive(Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct Attributes {
    /// What happened, such as com.example.order.created: the attribute `type`
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) event_type: Option<String>,

    /// Where it happened, a URI-reference [default: ampoule:cli]
    #[arg(long, value_name = "URI-REFERENCE")]
    source: Option<String>,

    /// What identifies the event within its source [default: a random UUID]
    #[arg(long)]
    id: Option<String>,

    /// What it is about, within its source
    #[arg(long)]
    subject: Option<String>,

    /// When it happened, such as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "RFC 3339")]
    time: Option<String>,

    /// The schema of its data, a URI
    #[arg(long, value_name = "URI")]
    schema: Option<String>,

    /// Sets an extension; true, false and numbers are what they look like
    #[arg(long, value_name = "NAME=VALUE")]
    ext: Vec<String>,

    /// Media type of the data [default: what --data or --data-file looks like]
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,

    /// The data, as text
    #[arg(long, value_name = "TEXT", conflicts_with = "data_file")]
    pub(super) data: Option<String>,

    /// The data, from a file
    #[arg(long, value_name = "FILE")]
    pub(super) data_file: Option<PathBuf>,

    /// Take an event as some service sends it
    #[arg(long, value_name = "NAME", value_parser = examples::parser())]
    pub(super) example: Option<String>,
}

impl Attributes {
    /// Whether anything but a media type is given.
    pub(super) fn is_any(&self) -> bool {
        let Self { content_type, .. } = self;
        *self != Self { content_type: content_type.clone(), ..Self::default() }
    }

    /// The event that they make, or make of `base`, with `data` if there is any.
    pub(super) fn event(&self, base: Option<Event>, data: Option<&[u8]>) -> anyhow::Result<Event> {
        let event = self.without_data(base)?;
        let Some(bytes) = data.map(<[u8]>::to_vec) else { return Ok(event) };
        if self.content_type.is_some() {
            return Ok(event.with_data(bytes));
        }
        // An example's or a file's media type need not be that of other data.
        Ok(match String::from_utf8(bytes) {
            Ok(text) => match JsonText::new(&text) {
                Ok(json) => event.with_datacontenttype(MediaType::json()).with_data(json),
                Err(_) => event.with_datacontenttype(MediaType::text()).with_data(text),
            },
            Err(error) => {
                event.with_datacontenttype(MediaType::bytes()).with_data(error.into_bytes())
            }
        })
    }

    fn without_data(&self, base: Option<Event>) -> anyhow::Result<Event> {
        let base = match (&self.example, base) {
            (Some(name), _) => Some(examples::find(name)?),
            (None, base) => base,
        };
        let mut event = match base {
            Some(base) => base,
            None => self.fresh()?,
        };
        if let Some(event_type) = &self.event_type {
            event = event.with_type(event_type)?;
        }
        if let Some(source) = &self.source {
            event = event.with_source(source)?;
        }
        if let Some(id) = &self.id {
            event = event.with_id(id)?;
        }
        if let Some(subject) = &self.subject {
            event = event.with_subject(subject)?;
        }
        if let Some(time) = &self.time {
            let time = time.parse::<Timestamp>().map_err(|invalid| invalid.of("time"))?;
            event = event.with_time(time);
        }
        if let Some(schema) = &self.schema {
            let schema = schema.parse::<Uri>().map_err(|invalid| invalid.of("dataschema"))?;
            event = event.with_dataschema(schema);
        }
        if let Some(media_type) = self.media_type()? {
            event = event.with_datacontenttype(media_type);
        }
        self.ext.iter().try_fold(event, |event, word| extended(event, word))
    }

    /// An event of now and of nothing but a type.
    fn fresh(&self) -> anyhow::Result<Event> {
        let Some(event_type) = &self.event_type else {
            bail!("an event has a type: say what happened with --type com.example.order.created");
        };
        let event = Event::new(&ampoule_boot::context::call_id()?, "ampoule:cli", event_type)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let now = Timestamp::from_unix(now.as_secs().cast_signed(), now.subsec_nanos());
        Ok(now.map_or(event.clone(), |now| event.with_time(now)))
    }

    /// The media type that is given.
    fn media_type(&self) -> anyhow::Result<Option<MediaType>> {
        let media_type = self.content_type.as_deref().map(str::parse::<MediaType>);
        Ok(media_type.transpose().map_err(|invalid| invalid.of("datacontenttype"))?)
    }

    /// The data that is given.
    pub(super) fn read_data(&self, bounds: Bounds) -> anyhow::Result<Option<Vec<u8>>> {
        match (&self.data, &self.data_file) {
            (Some(text), _) => Ok(Some(text.clone().into_bytes())),
            (None, Some(path)) => files::read(path, bounds).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The event with an extension `NAME=VALUE`.
fn extended(event: Event, word: &str) -> anyhow::Result<Event> {
    let (name, value) =
        word.split_once('=').with_context(|| format!("--ext {word:?} is not NAME=VALUE"))?;
    let value = [Kind::Boolean, Kind::Integer]
        .into_iter()
        .find_map(|kind| Value::parse(kind, value).ok())
        .unwrap_or_else(|| value.into());
    Ok(event.with_extension(name, value)?)
}
