//! One call: an image, what it is given, and the machine that it runs in and that is then gone.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::backend::{Backend, LaunchError};
use crate::context::{self, Context, ContextError, EnvironmentVariable};
use crate::guest::Guest;
use crate::host::{self, AccelChoice};
use crate::image;
use crate::outcome::{Limits, Phases};
use crate::session::traffic::Traffic;
use crate::session::{self, Events, Learnt, Stopper, Streams};
use crate::spec::{LaunchSpec, Notice};
use crate::units::{self, UnitError};
use crate::{Error, Image, Outcome};

/// How long a stopped machine may take to be gone before a call returns without it.
const TEARDOWN: Duration = Duration::from_millis(200);

/// Why a request makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No guest can have that much memory.
    #[error(transparent)]
    Memory(#[from] UnitError),
    /// The image is larger than the memory.
    #[error(
        "{} of memory is too little for the image, which ends at {end:#x}: give it at least {}, \
            or the image's own by leaving --memory out",
        units::bytes(*memory_bytes), units::bytes(image::least_memory(*end))
    )]
    TooLittleMemory {
        /// First guest-physical address after the image.
        end: u64,
        /// The memory that the caller gives.
        memory_bytes: u64,
    },
    /// The function cannot be told what it is to be told.
    #[error(transparent)]
    Context(#[from] ContextError),
}

/// A call in the making.
#[derive(Debug)]
pub struct Call {
    image: Arc<Image>,
    backend: Backend,
    accel: AccelChoice,
    arguments: Vec<OsString>,
    variables: Vec<EnvironmentVariable>,
    memory_bytes: Option<u64>,
    timeout: Option<Duration>,
    notice: Notice,
    trace: Notice,
    traffic: Arc<Traffic>,
    pub(crate) events: Events,
}

impl Call {
    /// Begins a call of the function in `image`, with the limits that the image asks for. Its
    /// clock starts here.
    pub fn new(image: impl Into<Arc<Image>>) -> Self {
        Self {
            image: image.into(),
            backend: Backend::default(),
            accel: AccelChoice::default(),
            arguments: Vec::new(),
            variables: Vec::new(),
            memory_bytes: None,
            timeout: None,
            notice: Notice::default(),
            trace: Notice::default(),
            traffic: Arc::new(Traffic::since(Instant::now())),
            events: mpsc::channel(),
        }
    }

    /// Adds arguments, after the function's name.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds variables to the environment, which is otherwise closed; the last one of a name counts.
    pub fn envs(mut self, variables: impl IntoIterator<Item = EnvironmentVariable>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Adds one variable to the environment.
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs([(name.into(), value.into())])
    }

    /// Gives the guest this much memory, in bytes, instead of what its image asks for.
    pub fn memory_bytes(mut self, memory_bytes: u64) -> Self {
        self.memory_bytes = Some(memory_bytes);
        self
    }

    /// Ends the call after this time, instead of what its image asks for.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Counts times and the deadline from `began`, such as the start of the process, instead of
    /// from [`Call::new`].
    pub fn since(mut self, began: Instant) -> Self {
        self.traffic = Arc::new(Traffic::since(began));
        self
    }

    /// Chooses what executes the guest's instructions.
    pub fn accel(mut self, accel: AccelChoice) -> Self {
        self.accel = accel;
        self
    }

    /// Chooses what starts the machine.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Has one-line notices shown, such as of a fallback to TCG.
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notice = notice;
        self
    }

    /// Has what is done shown step by step, such as the monitor's command line.
    pub fn trace(mut self, trace: Notice) -> Self {
        self.trace = trace;
        self
    }

    /// Something with which another thread can stop this call.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.events.0.clone())
    }

    /// Runs the function to its end and destroys its machine.
    ///
    /// Returns as soon as the outcome is known, even if a thread of this call is blocked in
    /// reading `stdin` or, after a deadline, in writing `stdout`; that thread ends when its
    /// system call does. `stdin` may have been read further than the function did.
    pub fn run<I, O, E>(self, stdin: I, stdout: O, stderr: E) -> Result<Outcome, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let limits = self.limits()?;
        let call_id = context::call_id().map_err(RequestError::Context)?;
        let deadline = limits.timeout.and_then(|timeout| self.traffic.began().checked_add(timeout));
        let start = Context {
            name: &self.image.note().name,
            call_id: &call_id,
            arguments: &self.arguments,
            variables: &self.variables,
            limits,
            left: limits.timeout.map(|all| all.saturating_sub(self.traffic.began().elapsed())),
        }
        .start_frame()
        .map_err(RequestError::Context)?;
        let guest = self.launch(limits)?;
        let launched = self.traffic.began().elapsed();
        let abi_version = self.image.note().abi_version;
        let streams = Streams { stdin, stdout, stderr };
        let learnt = session::converse(
            &guest,
            abi_version,
            start,
            streams,
            deadline,
            &self.traffic,
            &self.events,
        )
        .map_err(LaunchError::system("start the threads of a call"))?;
        let peak_memory_bytes = guest.peak_memory_bytes();
        guest.stop();
        let phases = self.phases(launched, &learnt);
        let outcome = self.outcome(call_id, limits, phases, &guest, learnt, peak_memory_bytes);
        guest.wait(TEARDOWN);
        Ok(outcome)
    }

    fn limits(&self) -> Result<Limits, Error> {
        let note = self.image.note();
        let memory_bytes = self.memory_bytes.unwrap_or(note.memory_bytes);
        units::check_memory(memory_bytes).map_err(RequestError::Memory)?;
        let facts = self.image.facts();
        // The image's own amount was checked with the image, so this one is the caller's.
        facts
            .check_fits(memory_bytes)
            .map_err(|_| RequestError::TooLittleMemory { end: facts.end(), memory_bytes })?;
        let own = Some(note.timeout_ms).filter(|&ms| ms > 0).map(Duration::from_millis);
        Ok(Limits { memory_bytes, timeout: self.timeout.or(own) })
    }

    fn launch(&self, limits: Limits) -> Result<Guest, Error> {
        let (accel, notice) = host::choose(self.accel)?;
        if let Some(line) = notice {
            self.notice.show(&line);
        }
        let spec = LaunchSpec {
            image: Arc::clone(&self.image),
            memory_bytes: limits.memory_bytes,
            accel,
            notice: self.notice.clone(),
            trace: self.trace.clone(),
        };
        Ok(self.backend.launch(&spec)?)
    }

    fn phases(&self, launched: Duration, learnt: &Learnt) -> Phases {
        Phases {
            launched: Some(launched),
            ready: learnt.ready,
            first_byte: self.traffic.first_byte(),
            last_byte: self.traffic.last_byte(),
            exit: Some(self.traffic.began().elapsed()),
        }
    }

    fn outcome(
        &self,
        call_id: String,
        limits: Limits,
        phases: Phases,
        guest: &Guest,
        learnt: Learnt,
        peak_memory_bytes: Option<u64>,
    ) -> Outcome {
        let verdict = learnt.ending.verdict(&self.image.note().name, limits);
        Outcome {
            reason: verdict.reason,
            exit_code: verdict.exit_code,
            message: verdict.message,
            backtrace: learnt.ending.backtrace().to_vec(),
            call_id,
            accel: guest.accel(),
            backend: self.backend.name(),
            phases,
            bytes_in: self.traffic.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.traffic.bytes_out.load(Ordering::Relaxed),
            bytes_err: self.traffic.bytes_err.load(Ordering::Relaxed),
            peak_memory_bytes,
            limits,
        }
    }
}
