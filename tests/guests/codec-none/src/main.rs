//! Times nothing: what all that time a codec are more than.
#![cfg_attr(ampoule_guest, no_std, no_main)]

mod measure;

use ampoule::prelude::*;

ampoule::main!(none);

fn none() -> Result {
    measure::measure(
        |sample| {
            Ok([
                &sample.time.to_le_bytes()[..],
                &sample.value.to_le_bytes(),
                sample.sensor.as_bytes(),
            ]
            .concat())
        },
        |bytes| Ok(bytes.len()),
    )
}
