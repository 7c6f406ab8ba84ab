//! Counts lines, words and bytes, as GNU `wc` does in the C locale.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod count;
mod options;

use ampoule::env;
use ampoule::io::{stdin, stdout};
use ampoule::prelude::*;
use count::Counts;
use options::Options;

ampoule::main!(wc);

fn wc() -> Result {
    let options = Options::parse(env::args())?;
    let mut counts = Counts::default();
    let mut input = stdin();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        if options.only_lines_and_bytes() {
            counts.add_lines_and_bytes(bytes);
        } else {
            counts.add(bytes);
        }
        input.consume(length);
    }
    stdout().write_all(options.show(counts.finish()).as_bytes())?;
    Ok(())
}
