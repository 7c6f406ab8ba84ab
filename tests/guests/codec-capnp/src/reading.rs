//! A reading in Cap'n Proto: reading.capnp of the example `capnp-echo`.

use ampoule::prelude::*;
use capnp::message::{Builder, ReaderOptions};
use capnp::serialize;

use crate::measure::Sample;
use crate::reading_capnp::reading;

pub fn encode(&Sample { sensor, time, value }: &Sample) -> Vec<u8> {
    let mut message = Builder::new_default();
    let mut reading = message.init_root::<reading::Builder<'_>>();
    reading.set_sensor(sensor);
    reading.set_time(time);
    reading.set_value(value);
    serialize::write_message_to_words(&message)
}

/// Reads every field, and makes the text a value of its own, as the other codecs do.
pub fn decode(mut bytes: &[u8]) -> Result<(String, u64, f64)> {
    let message = serialize::read_message_from_flat_slice(&mut bytes, ReaderOptions::default())?;
    let reading = message.get_root::<reading::Reader<'_>>()?;
    Ok((reading.get_sensor()?.to_str()?.to_owned(), reading.get_time(), reading.get_value()))
}
