//! Makes JSON of CSV with a header: one object a record, one record a line.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod convert;
mod options;
mod records;

use ampoule::env;
use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use convert::Converter;
use options::Options;
use records::Records;

ampoule::main!(csv2json);

fn csv2json() -> Result {
    let options = Options::parse(env::args())?;
    let mut records = Records::new(options.delimiter);
    let mut converter = Converter::new(options, BufWriter::new(stdout()));
    let mut input = stdin();
    loop {
        let bytes = input.fill_buf()?;
        // The reader wants to hear of the end too: an empty piece tells it.
        records.add(bytes, |record| converter.add(record))?;
        if bytes.is_empty() {
            return converter.finish();
        }
        converter.flush()?;
        let length = bytes.len();
        input.consume(length);
    }
}
