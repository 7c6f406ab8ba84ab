//! Copies STDIN to STDOUT, byte for byte.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::{copy, stdin, stdout};
use ampoule::prelude::*;

ampoule::main!(echo);

fn echo() -> Result {
    copy(&mut stdin(), &mut stdout())?;
    Ok(())
}
