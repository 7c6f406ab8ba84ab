//! Prints the lines that match a pattern, as GNU `grep` does in the C locale.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod bracket;
mod matcher;
mod options;
mod search;
mod syntax;

use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use ampoule::{env, status};
use matcher::Matcher;
use options::Options;
use search::Search;

ampoule::main!(grep);

/// The status that means trouble: 1 means that no line was selected.
const TROUBLE: u8 = 2;

fn grep() -> Result<Status> {
    let options = Options::parse(env::args_bytes())?;
    let matcher = Matcher::new(&options)?;
    if options.select_nothing() {
        return Ok(Status(status::FAILURE));
    }
    let mut input = stdin();
    let mut search = Search::new(&options, matcher, BufWriter::new(stdout()));
    while !search.is_done() {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        search.add(bytes)?;
        let length = bytes.len();
        input.consume(length);
    }
    let outcome = search.finish()?;
    if outcome.binary_matched {
        eprintln!("grep: (standard input): binary file matches");
    }
    Ok(Status(if outcome.selected { status::SUCCESS } else { status::FAILURE }))
}
