//! One call: an image, what it is given, and the machine that it runs in and that is then gone.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::backend::{Backend, Held, Remains, Request};
use crate::context::{self, Context, ContextError, EnvironmentVariable};
use crate::host::AccelChoice;
use crate::image;
use crate::jail::Jail;
use crate::outcome::{Limits, Phases};
use crate::session::traffic::Traffic;
use crate::session::{Dialogue, Input, Output, Peek, Stopper, Watch};
use crate::spec::{LaunchSpec, Notice};
use crate::units::{self, UnitError};
use crate::{Error, Image, Outcome};

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
    /// The exits of a machine are to be limited where nobody counts them.
    #[error(
        "QEMU's exits are not counted, so that they cannot be limited to {most} a second: leave \
            --max-exits out, or run it with --backend builtin"
    )]
    ExitsNotCounted {
        /// The limit, a second.
        most: u32,
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
    cpu_time: Option<Duration>,
    output_bytes: Option<u64>,
    exits_per_second: Option<u32>,
    is_measured: bool,
    peek: Peek,
    jail: Jail,
    notice: Notice,
    trace: Notice,
    traffic: Arc<Traffic>,
    watch: Watch,
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
            cpu_time: None,
            output_bytes: None,
            exits_per_second: None,
            is_measured: false,
            peek: Peek::default(),
            jail: Jail::default(),
            notice: Notice::default(),
            trace: Notice::default(),
            traffic: Arc::new(Traffic::since(Instant::now())),
            watch: Watch::new(),
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

    /// Ends the call when its machine has used that much processor time, its monitor's included.
    /// Under the built-in monitor that is this thread's from [`Call::run`] on.
    pub fn cpu_time(mut self, cpu_time: Duration) -> Self {
        self.cpu_time = Some(cpu_time);
        self
    }

    /// Ends the call when the function writes more than so much to STDOUT and STDERR together; what
    /// is within is passed on.
    pub fn output_bytes(mut self, output_bytes: u64) -> Self {
        self.output_bytes = Some(output_bytes);
        self
    }

    /// Ends the call when its machine comes out of the guest more often than that, on average from its
    /// first second on. Only the built-in monitor can tell; others refuse the call.
    pub fn exits_per_second(mut self, exits_per_second: u32) -> Self {
        self.exits_per_second = Some(exits_per_second);
        self
    }

    /// Counts times and the deadline from `began`, such as the start of the process, instead of
    /// from [`Call::new`].
    pub fn since(mut self, began: Instant) -> Self {
        self.traffic = Arc::new(Traffic::since(began));
        self
    }

    /// Finds out what takes time to find out: when the guest was ready by its own clock, and how
    /// much memory it touched.
    pub fn measured(mut self) -> Self {
        self.is_measured = true;
        self
    }

    /// Has `peek` tell whether STDIN can be read without waiting, so that a short input and its end
    /// reach the function together, and a long one with fewer exits. The call relies on it: a read
    /// that waits after all holds the function back.
    pub fn peek(mut self, peek: impl Fn() -> bool + Send + 'static) -> Self {
        self.peek = Peek(Box::new(peek));
        self
    }

    /// Chooses what executes the guest's instructions.
    pub fn accel(mut self, accel: AccelChoice) -> Self {
        self.accel = accel;
        self
    }

    /// Chooses what runs the machine.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Confines the process that runs the guest, for good: with the built-in monitor, that is this
    /// one. See [`Jail`] for what is left of it.
    pub fn jail(mut self, jail: Jail) -> Self {
        self.jail = jail;
        self
    }

    /// Has one-line notices shown, such as of a fallback to TCG.
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notice = notice;
        self
    }

    /// Has what is done shown step by step, such as a monitor's command line.
    pub fn trace(mut self, trace: Notice) -> Self {
        self.trace = trace;
        self
    }

    /// Something with which another thread, or a signal's handler, can stop this call.
    pub fn stopper(&self) -> Stopper {
        self.watch.stopper()
    }

    /// Runs the function to its end and destroys its machine.
    ///
    /// The built-in monitor reads `stdin` and writes `stdout` in this thread; a deadline or a
    /// [`Stopper`] interrupts their system calls by a signal, and it is for them to return an error
    /// of the kind `Interrupted` then, as files do (and `BufWriter` does not). Under QEMU, the call
    /// returns as soon as the outcome is known even if a thread of it is blocked in reading or
    /// writing; that thread ends when its system call does. `stdin` may have been read further than
    /// the function did.
    pub fn run<I, O, E>(self, stdin: I, stdout: O, stderr: E) -> Result<Outcome, Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let (outcome, remains) = self.run_leaving(stdin, stdout, stderr)?;
        match outcome.jail {
            // Which starts no threads that could do it.
            Some(_) => remains.destroy(),
            None => remains.destroy_later(),
        }
        Ok(outcome)
    }

    /// As [`Call::run`], and leaves it to the caller when to destroy what is left of the machine.
    pub fn run_leaving<I, O, E>(
        self,
        stdin: I,
        stdout: O,
        stderr: E,
    ) -> Result<(Outcome, Remains), Error>
    where
        I: Read + Send + 'static,
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let limits = self.limits()?;
        let call_id = context::call_id().map_err(RequestError::Context)?;
        let Self { image, arguments, variables, traffic, mut watch, .. } = self;
        watch.set_deadline(limits.timeout.and_then(|time| traffic.began().checked_add(time)));
        let request = Request {
            spec: LaunchSpec {
                image: Arc::clone(&image),
                memory_bytes: limits.memory_bytes,
                exits_per_second: limits.exits_per_second,
                is_measured: self.is_measured,
                jail: self.jail,
                notice: self.notice,
                trace: self.trace,
            },
            context: Context {
                name: &image.note().name,
                call_id: &call_id,
                arguments: &arguments,
                variables: &variables,
                limits,
                began: traffic.began(),
            },
            backend: self.backend,
            accel: self.accel,
        };
        let abi_version = image.note().abi_version;
        let output = Output::new(stdout, stderr, abi_version, Arc::clone(&traffic));
        let dialogue = Dialogue {
            input: Input::new(stdin, self.peek, Arc::clone(&traffic)),
            output: match limits.output_bytes {
                Some(bytes) => output.limit(bytes),
                None => output,
            },
            watch,
        };
        let held = request.hold(dialogue)?;
        let verdict = held.ending.verdict(&image.note().name, limits);
        let outcome = Outcome {
            reason: verdict.reason,
            exit_code: verdict.exit_code,
            message: verdict.message,
            backtrace: held.ending.backtrace().to_vec(),
            phases: phases(&held, &traffic),
            accel: held.accel,
            backend: held.backend,
            exits: held.exits,
            peak_memory_bytes: held.peak_memory_bytes,
            jail: held.jail,
            call_id,
            bytes_in: traffic.bytes_in.load(Ordering::Relaxed),
            bytes_out: traffic.bytes_out.load(Ordering::Relaxed),
            bytes_err: traffic.bytes_err.load(Ordering::Relaxed),
            limits,
        };
        Ok((outcome, held.remains))
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
        Ok(Limits {
            memory_bytes,
            timeout: self.timeout.or(self.image.timeout()),
            cpu_time: self.cpu_time,
            output_bytes: self.output_bytes,
            exits_per_second: self.exits_per_second,
        })
    }
}

fn phases(held: &Held, traffic: &Traffic) -> Phases {
    let since = |at: Instant| at.saturating_duration_since(traffic.began());
    Phases {
        exec: None,
        prepared: Some(since(held.prepared)),
        launched: Some(since(held.launched)),
        entered: held.entry.map(|entry| since(entry.at)),
        ready: traffic.ready().map(|ready| held.ready_at(ready).map_or(ready.heard, since)),
        first_byte: traffic.first_byte(),
        last_byte: traffic.last_byte(),
        exit: Some(since(held.ended)),
        gone: None,
    }
}
