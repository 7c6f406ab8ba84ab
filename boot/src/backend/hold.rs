//! Which backend runs a call, and what comes of it.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::kvm::{self, Refusal};
use super::qemu::Qemu;
use super::{Backend, LaunchError, Remains};
use crate::Error;
use crate::call::RequestError;
use crate::context::Context;
use crate::guest::{Guest, GuestEnd};
use crate::host::{self, Accel, AccelChoice, HostError};
use crate::jail::Layers;
use crate::outcome::Exits;
use crate::session::traffic::Ready;
use crate::session::{Dialogue, Ending, remote};
use crate::spec::{AccelPlan, LaunchSpec};

/// One call, as backends are asked for it.
pub(crate) struct Request<'a> {
    pub(crate) spec: LaunchSpec,
    pub(crate) context: Context<'a>,
    pub(crate) backend: Backend,
    pub(crate) accel: AccelChoice,
}

/// A call that was held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) ending: Ending,
    /// The backend's name.
    pub(crate) backend: &'static str,
    pub(crate) accel: Accel,
    pub(crate) exits: Option<Exits>,
    pub(crate) peak_memory_bytes: Option<u64>,
    /// When all was known that a machine needs.
    pub(crate) prepared: Instant,
    /// When the machine was made, or who makes it was started.
    pub(crate) launched: Instant,
    pub(crate) entry: Option<Entry>,
    pub(crate) ended: Instant,
    /// What confines the process that ran the guest, if it was to be confined.
    pub(crate) jail: Option<Layers>,
    pub(crate) remains: Remains,
}

/// The guest's first instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// When it was to run.
    pub(crate) at: Instant,
    /// The guest's clock.
    pub(crate) clock: Option<Clock>,
}

/// A guest's time stamp counter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// When it was read.
    pub(crate) at: Instant,
    /// What it was then.
    pub(crate) ticks: u64,
    /// Its ticks per second.
    pub(crate) hz: u64,
}

impl Held {
    /// When the guest was ready by its own clock, if that can be told.
    pub(crate) fn ready_at(&self, ready: Ready) -> Option<Instant> {
        let clock = self.entry?.clock?;
        let ticks = ready.time_stamp.checked_sub(clock.ticks).filter(|_| clock.hz > 0)?;
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(clock.hz);
        // A guest says what it likes, but not that it was ready after it was heard.
        let at = clock.at.checked_add(Duration::from_nanos(u64::try_from(ns).ok()?))?;
        (at <= self.ended).then_some(at)
    }
}

impl Request<'_> {
    /// Holds the call to its end.
    pub(crate) fn hold<I, O, E>(self, dialogue: Dialogue<I, O, E>) -> Result<Held, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        dialogue.watch.check().map_err(LaunchError::system("make an event descriptor"))?;
        match &self.backend {
            Backend::Fake(fake) => self.remotely("fake", |spec| fake.launch(spec), dialogue),
            Backend::Qemu(qemu) => {
                let (plan, notice) = host::choose(self.accel)?;
                notice.iter().for_each(|line| self.spec.notice.show(line));
                self.under(qemu, plan, dialogue)
            }
            Backend::BuiltIn => match self.accel {
                AccelChoice::Tcg => Err(HostError::NoTcg.into()),
                _ => self.built_in(None, dialogue),
            },
            Backend::Auto(qemu) => match self.accel {
                AccelChoice::Tcg => self.under(qemu, ONLY_TCG, dialogue),
                AccelChoice::Kvm => self.built_in(None, dialogue),
                AccelChoice::Auto => self.built_in(Some(qemu), dialogue),
            },
        }
    }

    /// Under the built-in monitor; or, where that cannot be, under `other`.
    fn built_in<I, O, E>(
        &self,
        other: Option<&Qemu>,
        mut dialogue: Dialogue<I, O, E>,
    ) -> Result<Held, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let start = |tsc_hz| self.context.start(tsc_hz);
        if let Some(cpu_time) = self.context.limits.cpu_time {
            dialogue.watch.limit_cpu_time(cpu_time);
        }
        let problem = match (kvm::hold(&self.spec, start, &mut dialogue), other) {
            (Ok(held), Some(_)) => match &held.ending {
                // Another guest can begin where this one has not; a jailed process starts none.
                Ending::Machine(GuestEnd::Stuck(why))
                    if dialogue.has_not_begun() && held.jail.is_none() =>
                {
                    why.clone()
                }
                _ => return Ok(held),
            },
            (Ok(held), None) => return Ok(held),
            (Err(Refusal::Context(error)), _) => return Err(RequestError::Context(error).into()),
            (Err(Refusal::Launch(error @ LaunchError::Jail(_))), _) => return Err(error.into()),
            (Err(Refusal::NoKvm(problem)), None) => return Err(HostError::NoKvm(problem).into()),
            (Err(Refusal::Launch(error)), None) => return Err(error.into()),
            (Err(Refusal::NoKvm(problem)), Some(_)) => problem.to_string(),
            (Err(Refusal::Launch(error)), Some(_)) => error.to_string(),
        };
        let Some(qemu) = other else { unreachable!("without another, all has returned") };
        // What is wrong with the request is told instead.
        self.context.start(0).map_err(RequestError::Context)?;
        self.spec.notice.show(&host::fallback_notice(&problem));
        self.under(qemu, ONLY_TCG, dialogue)
    }

    fn under<I, O, E>(
        &self,
        qemu: &Qemu,
        plan: AccelPlan,
        dialogue: Dialogue<I, O, E>,
    ) -> Result<Held, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        self.remotely("qemu", |spec| qemu.launch(spec, plan), dialogue)
    }

    /// With a guest at the other end of a stream.
    fn remotely<I, O, E>(
        &self,
        backend: &'static str,
        launch: impl FnOnce(&LaunchSpec) -> Result<Guest, LaunchError>,
        mut dialogue: Dialogue<I, O, E>,
    ) -> Result<Held, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        if let Some(most) = self.spec.exits_per_second {
            return Err(RequestError::ExitsNotCounted { most }.into());
        }
        let prepared = Instant::now();
        dialogue.input.begin_with(&self.context.start(0).map_err(RequestError::Context)?);
        let guest = launch(&self.spec)?;
        let launched = Instant::now();
        let ending = remote::converse(&guest, dialogue, self.context.limits.cpu_time)
            .map_err(LaunchError::system("start the threads of a call"))?;
        let ended = Instant::now();
        let peak_memory_bytes = guest.peak_memory_bytes();
        guest.stop();
        Ok(Held {
            ending,
            backend,
            accel: guest.accel(),
            exits: None,
            peak_memory_bytes,
            prepared,
            launched,
            entry: None,
            ended,
            jail: guest.jail(),
            remains: Remains::Remote(guest),
        })
    }
}

const ONLY_TCG: AccelPlan = AccelPlan { first: Accel::Tcg, may_fall_back: false };
