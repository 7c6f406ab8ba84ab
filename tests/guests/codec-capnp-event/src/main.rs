//! Times a reading in Cap'n Proto in an event in Protobuf.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

#[path = "../../codec-none/src/measure.rs"]
mod measure;
#[path = "../../codec-capnp/src/reading.rs"]
mod reading;
#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::unwrap_used, unsafe_code)]
#[path = "../../../../examples/capnp-echo/src/reading_capnp.rs"]
mod reading_capnp;

use ampoule::event::{Event, from_protobuf, to_protobuf};
use ampoule::prelude::*;
use measure::{Sample, measure};

ampoule::main!(capnp_event);

fn capnp_event() -> Result {
    measure(encode, |bytes| {
        let event = from_protobuf(bytes)?;
        let data = event.data().ok_or_else(|| Error::data("the event has no data"))?;
        reading::decode(data.bytes())
    })
}

fn encode(sample: &Sample) -> Result<Vec<u8>> {
    let event = Event::new("1", "/house", "com.example.read")?;
    let media_type = "application/x-capnp".parse()?;
    Ok(to_protobuf(&event.with_datacontenttype(media_type).with_data(reading::encode(sample))))
}
