//! One call's dialogue: a guest's frames on one side, STDIN, STDOUT and STDERR on the other, and
//! what ends it from outside.
//!
//! ```text
//! input   STDIN -> frames     output  frames -> STDOUT, STDERR, how it ended
//! stop    a request to end, the deadline
//! remote  the dialogue with a guest behind a stream, on threads
//! ```
//!
//! A backend whose guest runs in the caller's own thread holds the dialogue itself.

mod ending;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod input;
mod output;
mod parse;
pub(crate) mod remote;
mod stop;
#[cfg(test)]
mod tests;
pub(crate) mod traffic;

pub use ending::printable;
pub(crate) use ending::{Ending, Limit};
pub(crate) use input::{Input, Peek};
pub(crate) use output::Output;
pub use parse::ProtocolError;
pub(crate) use stop::Watch;
pub use stop::{StopCause, Stopper};

/// What a backend connects a guest to.
#[derive(Debug)]
pub(crate) struct Dialogue<I, O, E> {
    pub(crate) input: Input<I>,
    pub(crate) output: Output<O, E>,
    pub(crate) watch: Watch,
}

impl<I: std::io::Read, O: std::io::Write, E: std::io::Write> Dialogue<I, O, E> {
    /// Whether neither side has said anything that another guest would miss or repeat.
    pub(crate) fn has_not_begun(&self) -> bool {
        !self.input.has_begun() && !self.output.has_begun()
    }
}
