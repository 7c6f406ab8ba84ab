//! Shows everything that it was given: `argument`, `variable` and `random` lines in hexadecimal,
//! clocks in nanoseconds.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::prelude::*;
use ampoule::time::{Instant, wall_clock};
use ampoule::{env, random};

ampoule::main!(context);

fn context() {
    let start = Instant::now();
    println!("wall {}", wall_clock().as_nanos());
    println!("name {}", env::name());
    for argument in env::args_bytes() {
        println!("argument {}", hex(argument));
    }
    for (name, value) in env::vars_bytes() {
        println!("variable {}={}", hex(name), hex(value));
    }
    let mut bytes = [0; 32];
    random::fill(&mut bytes);
    println!("random {}", hex(&bytes));
    println!("elapsed {}", start.elapsed().as_nanos());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
