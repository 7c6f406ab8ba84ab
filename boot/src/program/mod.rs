//! A program whose whole life is one call, such as `ampoule run`: it begins at C's `main`, and what it
//! says goes to STDERR.
//!
//! ```text
//! process      what the standard library's `main` would have seen to
//! standard     STDIN, STDOUT and STDERR, past buffers
//! environment  variables as a command line gives them
//! signals      SIGINT and SIGTERM end the call
//! order        the call as it was asked for, to its exit status
//! desk         what is written of it once it has ended: messages, the report
//! timings      its timeline
//! terminal     one line for a person
//! ```

mod desk;
pub mod environment;
mod order;
pub mod process;
mod signals;
pub mod standard;
pub mod terminal;
mod timings;

use std::time::{Duration, Instant};

use ampoule_abi::status;
use rustix::time::{ClockId, clock_gettime};

use crate::error::with_causes;
use crate::jail;
pub use desk::{Desk, NoSymbols, Symbols};
pub use order::{Confinement, Order, Verbosity, qemu};

/// When the program began, and what loading it took if anybody asks.
#[derive(Clone, Copy, Debug)]
pub struct Began {
    /// The first thing that it did.
    pub at: Instant,
    /// What loading it took.
    pub exec: Option<Duration>,
}

impl Began {
    /// Now, without a question.
    pub fn now() -> Self {
        Self { at: Instant::now(), exec: None }
    }

    /// The same, asked what loading the program took. Unless somebody says when that began, it took
    /// what processor time the process has used by now.
    pub fn asked(self) -> Self {
        let time = |clock| Duration::try_from(clock_gettime(clock)).ok();
        let told = std::env::var(EXEC_NS).ok().and_then(|ns| ns.parse().ok());
        let exec = match told.map(Duration::from_nanos) {
            Some(then) => time(ClockId::Monotonic).and_then(|now| now.checked_sub(then)),
            None => time(ClockId::ProcessCPUTime),
        };
        Self { exec, ..self }
    }
}

/// The variable with which a program that becomes this one says when, on the monotonic clock.
const EXEC_NS: &str = "AMPOULE_EXEC_NS";

/// Has a panic end the process as a failure of the launcher (125): it must not look like one of the
/// function (134).
pub fn own_up_to_panics() {
    std::panic::set_hook(Box::new(|panic| {
        terminal::error(&format!("this is a bug of the launcher: {panic}"));
        jail::exit(status::LAUNCHER);
    }));
}

/// The status of what has failed before or after a call, which is told, unless it is that nobody
/// reads STDOUT any more.
pub fn exit_code(done: anyhow::Result<u8>) -> u8 {
    done.unwrap_or_else(|error| {
        let cause = error.downcast_ref::<std::io::Error>();
        if cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe) {
            return status::BROKEN_PIPE;
        }
        terminal::error(&with_causes(error.as_ref()));
        status::LAUNCHER
    })
}
