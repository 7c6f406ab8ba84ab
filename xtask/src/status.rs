//! This program's own exit statuses.
//!
//! Verbs that run a function leave it the statuses up to 123, and fail with the launcher's (SPEC
//! C3); the others fail with 1, and with 2 for wrong usage.

use std::io;
use std::process::ExitCode;

use ampoule_abi::status::{BROKEN_PIPE, LAUNCHER, NOT_FOUND};
use ampoule_boot::error::with_causes;

use crate::console;
use crate::project::NoSuchFunction;

/// Verbs that run a function.
const RUNNING: [&str; 2] = ["invoke", "pipe"];

/// Reports wrong usage, or prints the help that was asked for.
pub fn of_usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    if !error.use_stderr() {
        return printed.map_or_else(|why| of_lost_result(&why, false), |()| ExitCode::SUCCESS);
    }
    // A message that nobody reads changes nothing.
    let verb = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    match verb.is_some_and(|verb| RUNNING.contains(&verb.as_str())) {
        true => ExitCode::from(LAUNCHER),
        false => ExitCode::from(2),
    }
}

/// Reports that not all of a verb's result could be printed, unless its reader has left.
pub fn of_lost_result(why: &io::Error, runs: bool) -> ExitCode {
    if why.kind() == io::ErrorKind::BrokenPipe {
        return ExitCode::from(BROKEN_PIPE);
    }
    console::error(format_args!("STDOUT cannot be written: {why}; the result is incomplete"));
    if runs { ExitCode::from(LAUNCHER) } else { ExitCode::FAILURE }
}

/// Makes a bug of this program end it with its own status: that of a panic would look like the
/// function's.
pub fn report_bugs(runs: bool) {
    let status = if runs { LAUNCHER } else { 1 };
    std::panic::set_hook(Box::new(move |panic| {
        console::error(format_args!("this is a bug of cargo xtask: {panic}"));
        std::process::exit(status.into());
    }));
}

/// Reports why a verb failed; `runs` if it is one that runs a function.
pub fn of_failure(error: &anyhow::Error, runs: bool) -> ExitCode {
    console::error(with_causes(error.as_ref()));
    match (runs, error.is::<NoSuchFunction>()) {
        (true, true) => ExitCode::from(NOT_FOUND),
        (true, false) => ExitCode::from(LAUNCHER),
        (false, _) => ExitCode::FAILURE,
    }
}
