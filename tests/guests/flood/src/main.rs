//! Writes to STDOUT without end: only its caller can end it.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::stdout;
use ampoule::prelude::*;

ampoule::main!(flood);

fn flood() -> Result {
    let line = [b"0123456789abcdef".as_slice(); 256].concat();
    loop {
        stdout().write_all(&line)?;
    }
}
