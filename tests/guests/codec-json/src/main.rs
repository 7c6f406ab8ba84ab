//! Times a reading in JSON in an event in JSON.
#![cfg_attr(ampoule_guest, no_std, no_main)]

#[path = "../../codec-none/src/measure.rs"]
mod measure;

use ampoule::event::{Event, FromEvent, Json, JsonText, from_json, to_json};
use ampoule::prelude::*;
use measure::{Sample, measure};
use serde::{Deserialize, Serialize};

ampoule::main!(json);

#[derive(Deserialize, Serialize)]
struct Reading {
    sensor: String,
    time: u64,
    value: f64,
}

fn json() -> Result {
    measure(encode, |bytes| Json::<Reading>::from_event(from_json(bytes)?))
}

fn encode(&Sample { sensor, time, value }: &Sample) -> Result<Vec<u8>> {
    let reading = JsonText::of(&Reading { sensor: sensor.into(), time, value })?;
    Ok(to_json(&Event::new("1", "/house", "com.example.read")?.with_data(reading)))
}
