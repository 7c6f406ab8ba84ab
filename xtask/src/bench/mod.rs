//! Measuring calls: what is started, how its times are taken, and how they are summed up.
//!
//! Subjects take turns, round by round, so that whatever else the machine does falls on all of
//! them, and are told apart by ratios, which drift less between machines than times do.

pub mod bare_kernel;
pub mod machine;
pub mod report;
mod start;
pub mod statistics;
pub mod subject;
