//! Filters JSON, as `jq` 1.6 does.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod filter;
mod functions;
mod input;
mod number;
mod options;
mod print;
mod rewrite;

use ampoule::env;
use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use filter::{Compiled, Ending};
use input::Inputs;
use jaq_json::Val;
use options::Options;
use print::Printer;

ampoule::main!(jq);

/// jq's own statuses.
mod exit {
    /// The last output was false or null, under `-e`.
    pub const FALSE: u8 = 1;
    /// The arguments are wrong.
    pub const USAGE: u8 = 2;
    /// The filter does not compile.
    pub const COMPILE: u8 = 3;
    /// There was no output, under `-e`; or the input is not JSON.
    pub const NOTHING: u8 = 4;
    /// The filter failed.
    pub const FILTER: u8 = 5;
}

fn jq() -> Result<Status> {
    let options = Options::parse(env::args())?;
    let compiled = Compiled::new(&options)?;
    let mut printer = Printer::new(options.format, BufWriter::new(stdout()));
    let mut last = None;
    let ending = compiled.run(Inputs::new(stdin(), options.feed), |value| {
        last = Some(!matches!(value, Val::Null | Val::Bool(false)));
        printer.print(value)
    })?;
    printer.flush()?;
    Ok(Status(match ending {
        Ending::Halted(status) => status,
        Ending::BadInput => exit::NOTHING,
        Ending::Failed => exit::FILTER,
        Ending::Finished if !options.status_by_output => 0,
        Ending::Finished => match last {
            Some(true) => 0,
            Some(false) => exit::FALSE,
            None => exit::NOTHING,
        },
    }))
}
