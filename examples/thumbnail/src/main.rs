//! Makes a small PNG, or PPM, of a JPEG.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod decode;
mod image;
mod options;
mod png;
mod shrink;

use ampoule::env;
use ampoule::io::{stdin, stdout};
use ampoule::prelude::*;
use options::{Format, Options};

ampoule::main!(thumbnail);

fn thumbnail() -> Result {
    let options = Options::parse(env::args())?;
    let file = stdin().read_all()?;
    let (image, orientation) = decode::jpeg(file)?;
    let small = orientation.upright(shrink::to_fit(image, options.size));
    let encoded = match options.format {
        Format::Png => png::encode(&small),
        Format::Ppm => small.to_ppm(),
    };
    stdout().write_all(&encoded)?;
    Ok(())
}
