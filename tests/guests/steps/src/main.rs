//! Speaks on both outputs, then waits for the end of STDIN, then speaks again: what is seen before
//! STDIN has ended was seen live.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::stdin;
use ampoule::prelude::*;

ampoule::main!(steps);

fn steps() -> Result {
    println!("first");
    eprintln!("aside");
    let length = stdin().read_all()?.len();
    println!("last {length}");
    Ok(())
}
