//! Times a reading in Cap'n Proto, without any event.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

#[path = "../../codec-none/src/measure.rs"]
mod measure;
mod reading;
#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::unwrap_used, unsafe_code)]
#[path = "../../../../examples/capnp-echo/src/reading_capnp.rs"]
mod reading_capnp;

use ampoule::prelude::*;

ampoule::main!(capnp);

fn capnp() -> Result {
    measure::measure(|sample| Ok(reading::encode(sample)), reading::decode)
}
