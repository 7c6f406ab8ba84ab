//! Times a reading in Protobuf in an event in Protobuf.
#![cfg_attr(ampoule_guest, no_std, no_main)]

#[path = "../../codec-none/src/measure.rs"]
mod measure;

use ampoule::event::{Event, FromEvent, MediaType, Protobuf, from_protobuf, to_protobuf};
use ampoule::prelude::*;
use measure::{Sample, measure};
use prost::Message;

ampoule::main!(protobuf);

#[derive(Clone, PartialEq, prost::Message)]
struct Reading {
    #[prost(string, tag = "1")]
    sensor: String,
    #[prost(uint64, tag = "2")]
    time: u64,
    #[prost(double, tag = "3")]
    value: f64,
}

fn protobuf() -> Result {
    measure(encode, |bytes| Protobuf::<Reading>::from_event(from_protobuf(bytes)?))
}

fn encode(&Sample { sensor, time, value }: &Sample) -> Result<Vec<u8>> {
    let reading = Reading { sensor: sensor.into(), time, value }.encode_to_vec();
    let event = Event::new("1", "/house", "com.example.read")?;
    Ok(to_protobuf(&event.with_datacontenttype(MediaType::protobuf()).with_data(reading)))
}
