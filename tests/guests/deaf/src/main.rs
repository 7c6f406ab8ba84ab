//! Never reads STDIN: it must be able to end while input is still being offered.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::prelude::*;

ampoule::main!(deaf);

fn deaf() {
    println!("done");
}
