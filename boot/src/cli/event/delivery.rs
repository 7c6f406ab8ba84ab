//! Events as a call gets them: as variables, and bytes on STDIN (SPEC C5).

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use ampoule_boot::Image;
use ampoule_boot::context::EnvironmentVariable;
use ampoule_event::stream::Writer;
use ampoule_event::{ACCEPT, CONTENT_TYPE, Event, Mode, to_environment};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use rustix::fs::{MemfdFlags, memfd_create};

use super::attributes::{Attributes, HEADING};
use super::bounds::Bounds;
use super::{Format, files};

/// The events of a call, and what answers are wanted.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct EventOptions {
    /// Call the function with an event, or several, or a batch, out of a file, or - for STDIN, which
    /// is read before the call begins, 256MiB at most
    #[arg(long, value_name = "FILE", help_heading = HEADING, conflicts_with = "example")]
    event: Option<PathBuf>,

    /// How to hand an event over [default: as it is in its file; binary if options make it]
    #[arg(long, value_enum, help_heading = HEADING)]
    mode: Option<ModeName>,

    /// The format to hand it over in, whole [default: that of its file, else json]
    #[arg(long, value_enum, help_heading = HEADING)]
    format: Option<Format>,

    /// Ask for answers as whole events in a format
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = HEADING)]
    emit: Option<Format>,

    #[command(flatten)]
    attributes: Attributes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// Data on STDIN, attributes in the environment
    Binary,
    /// The whole event on STDIN
    Structured,
    /// A batch on STDIN; for one a Protobuf file is taken, too
    Batch,
}

/// What a call gets.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Variables, before all that the caller gives by name.
    pub(crate) variables: Vec<EnvironmentVariable>,
    /// All of STDIN, if it is not the caller's own.
    pub(crate) stdin: Option<Vec<u8>>,
    mode: Option<Mode>,
}

impl EventOptions {
    /// What these options ask for, of which no more is read, and no longer, than `bounds` say.
    pub(crate) fn delivery(&self, bounds: Bounds) -> anyhow::Result<Delivery> {
        let mut delivery = match self.is_any() {
            true => self.events(bounds)?,
            false => self.announced()?,
        };
        if let Some(format) = self.emit {
            let format = format.into();
            let form = match delivery.mode {
                Some(Mode::Batched(_)) => Mode::Batched(format),
                _ => Mode::Structured(format),
            };
            delivery.set(ACCEPT, form.content_type().expect("it is one of events"));
        }
        Ok(delivery)
    }

    fn is_any(&self) -> bool {
        self.event.is_some() || self.attributes.is_any()
    }

    /// STDIN as it is, of which the caller may have said what it is.
    fn announced(&self) -> anyhow::Result<Delivery> {
        ensure!(
            self.mode.is_none() && self.format.is_none(),
            "--mode and --format are about an event: give one with --event, --example or --type"
        );
        let mut delivery = Delivery::default();
        if let Some(content_type) = &self.attributes.content_type {
            delivery.mode = Some(Mode::of(Some(content_type), false)?);
            delivery.set(CONTENT_TYPE, content_type.clone());
        }
        Ok(delivery)
    }

    fn events(&self, bounds: Bounds) -> anyhow::Result<Delivery> {
        let (events, read_as) = self.read(bounds)?;
        let format = self.format.map(Into::into).or(read_as.and_then(Mode::format));
        let format = format.unwrap_or(ampoule_event::Format::Json);
        let mode = match (self.mode, read_as) {
            (None, None) if self.format.is_none() => Mode::Binary,
            (Some(ModeName::Binary), _) => Mode::Binary,
            (Some(ModeName::Batch), _) | (None, Some(Mode::Batched(_))) => Mode::Batched(format),
            (Some(ModeName::Structured) | None, _) => Mode::Structured(format),
        };
        ensure!(
            mode != Mode::Binary || self.format.is_none(),
            "--format is about whole events, and --mode binary hands over the data alone"
        );
        match mode {
            Mode::Binary => {
                let [event] = &events[..] else {
                    bail!("{} events are given, and --mode binary takes one", events.len());
                };
                self.binary(event)
            }
            mode => whole(&events, mode),
        }
    }

    /// The events that are given, and how a file has them.
    fn read(&self, bounds: Bounds) -> anyhow::Result<(Vec<Event>, Option<Mode>)> {
        let Some(path) = &self.event else {
            let read_as = self.attributes.example.is_some();
            let read_as = read_as.then_some(Mode::Structured(ampoule_event::Format::Json));
            let data = self.data(bounds)?;
            return Ok((vec![self.attributes.event(None, data.as_deref())?], read_as));
        };
        ensure!(
            path.as_os_str() != "-" || self.attributes.data_file.as_deref() != Some(path),
            "--event and --data-file cannot both be read from STDIN"
        );
        let data = self.attributes.read_data(bounds)?;
        let is_batch = self.mode == Some(ModeName::Batch);
        let events = files::Events::open(path, None, is_batch, bounds)?;
        let mode = events.mode();
        let events = events.map(|event| self.attributes.event(Some(event?), data.as_deref()));
        Ok((events.collect::<anyhow::Result<_>>()?, Some(mode)))
    }

    /// The data of an event that is made here. What is handed over whole has it inside, so that the
    /// caller's STDIN, where nothing else is data, has to be read first.
    fn data(&self, bounds: Bounds) -> anyhow::Result<Option<Vec<u8>>> {
        let is_whole =
            self.mode.is_some_and(|mode| mode != ModeName::Binary) || self.format.is_some();
        let given = self.attributes.read_data(bounds)?;
        if given.is_some() || !is_whole || self.attributes.example.is_some() {
            return Ok(given);
        }
        Ok(Some(files::read("-".as_ref(), bounds)?).filter(|bytes| !bytes.is_empty()))
    }

    /// Data that is not given is the caller's STDIN.
    fn binary(&self, event: &Event) -> anyhow::Result<Delivery> {
        let (variables, data) = to_environment(event)?;
        let is_given = self.event.is_some() || event.data().is_some();
        let mut delivery = Delivery {
            mode: Some(Mode::Binary),
            stdin: is_given.then(|| data.to_owned()),
            ..Delivery::default()
        };
        variables.into_iter().for_each(|(name, value)| delivery.set(&name, value));
        Ok(delivery)
    }
}

fn whole(events: &[Event], mode: Mode) -> anyhow::Result<Delivery> {
    let mut delivery = Delivery { mode: Some(mode), ..Delivery::default() };
    let mut writer = Writer::new(mode)?;
    let mut bytes = Vec::new();
    events.iter().try_for_each(|event| writer.add(event, &mut bytes))?;
    writer.finish(&mut bytes);
    delivery.set(CONTENT_TYPE, mode.content_type().expect("it is one of events"));
    delivery.stdin = Some(bytes);
    Ok(delivery)
}

/// Refuses a batch, if that is what these variables announce, for an image that does not say to take
/// any (SPEC C5.2).
pub(crate) fn check(variables: &[EnvironmentVariable], image: &Image) -> anyhow::Result<()> {
    let content_type = variables.iter().rfind(|(name, _)| name == CONTENT_TYPE);
    let content_type = content_type.and_then(|(_, value)| value.to_str());
    let is_batch = matches!(Mode::of(content_type, false), Ok(Mode::Batched(_)));
    let takes_batches = || image.note().event_modes.iter().any(|mode| mode == "batched");
    ensure!(
        !is_batch || takes_batches(),
        "`{}` takes no batches: call it with one event after the other, or let it name \"batched\" \
         among its `event-modes` in [package.metadata.fn]",
        image.note().name
    );
    Ok(())
}

impl Delivery {
    fn set(&mut self, name: &str, value: String) {
        self.variables.push((name.into(), value.into()));
    }

    /// Makes what is to be STDIN the process's own.
    pub(crate) fn put_in_place(&mut self) -> anyhow::Result<()> {
        let Some(bytes) = self.stdin.take() else { return Ok(()) };
        let put = || -> std::io::Result<()> {
            let mut file = File::from(memfd_create("ampoule-event", MemfdFlags::CLOEXEC)?);
            file.write_all(&bytes)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(rustix::stdio::dup2_stdin(file)?)
        };
        put().context("cannot hold the event in memory")
    }
}
