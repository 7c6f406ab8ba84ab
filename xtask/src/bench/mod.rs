//! Measuring calls: what is started, how its figures are taken, and how they are summed up.
//!
//! ```text
//! cold        from nothing to the first byte and to the exit, beside other ways to run a program
//! throughput  many calls from one process, each in a fresh machine
//! stream      bytes through one call
//! density     calls that wait, side by side
//! events      codecs of events, inside a guest
//! ```
//!
//! What is compared takes turns, round by round, so that whatever else the machine does falls on
//! all of it, and is told apart by ratios, which drift less between machines than times do.

pub mod cold;
pub mod density;
pub mod events;
pub mod machine;
pub mod statistics;
pub mod stream;
pub mod throughput;
