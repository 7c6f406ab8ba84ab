//! Writes from each kind of memory that a function has, so much that a device may read it where it
//! lies: its argument, its constants, its stack, its heap near the image and far from it.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::env;
use ampoule::io::stdout;
use ampoule::prelude::*;

ampoule::main!(places);

const BYTES: usize = 5000;

static CONSTANT: [u8; BYTES] = [b'c'; BYTES];

fn places() -> Result {
    let argument = env::args_bytes().next().ok_or_else(|| Error::data("no argument"))?;
    // Of 16 MiB, most of the heap is not near the image.
    let far = vec![b'f'; 8 << 20];
    for bytes in [argument, &CONSTANT, &[b's'; BYTES], &vec![b'n'; BYTES], &far[..BYTES]] {
        stdout().write_all(core::hint::black_box(bytes))?;
    }
    Ok(())
}
