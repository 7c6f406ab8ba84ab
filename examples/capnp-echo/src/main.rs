//! Reads a Cap'n Proto message, a `Reading` of reading.capnp, and writes it again: from bytes to
//! bytes, or from an event's data to an answer's.
//!
//! `reading_capnp.rs` is `capnp compile -orust reading.capnp`, by capnpc 0.27.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::unwrap_used, unsafe_code)]
mod reading_capnp;

use ampoule::event::{self, Event, EventExt, MediaType};
use ampoule::io::{stdin, stdout};
use ampoule::prelude::*;
use capnp::message::{Builder, ReaderOptions};
use capnp::{Word, serialize};
use reading_capnp::reading;

ampoule::main!(capnp_echo);

/// There is no registered media type for Cap'n Proto.
const MEDIA_TYPE: &str = "application/x-capnp";

fn capnp_echo() -> Result {
    if event::are_given() {
        return event::serve(answer);
    }
    stdout().write_all(&copy(&stdin().read_all()?)?)?;
    Ok(())
}

fn answer(event: Event) -> Result<Event> {
    let answer = event.answer("com.example.reading.echoed")?;
    let Some(data) = event.data() else {
        return Err(Error::data(format!("event {:?} has no data", event.id())));
    };
    let media_type: MediaType = MEDIA_TYPE.parse().expect("it is one");
    Ok(answer.with_datacontenttype(media_type).with_data(copy(data.bytes())?))
}

/// The same message, checked and laid out anew. What it claims is not believed: memory is that of the
/// bytes that are there, and what is read again and again counts as often.
fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let bad = |error: capnp::Error| Error::data(format!("the input is no Reading: {error}"));
    // Its words have to be aligned.
    let mut words = Word::allocate_zeroed_vec(bytes.len().div_ceil(size_of::<Word>()));
    Word::words_to_bytes_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    let mut aligned = &Word::words_to_bytes(&words)[..bytes.len()];
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(Some(2 * words.len()));
    let message = serialize::read_message_from_flat_slice(&mut aligned, options).map_err(bad)?;
    let mut copy = Builder::new_default();
    copy.set_root(message.get_root::<reading::Reader<'_>>().map_err(bad)?).map_err(bad)?;
    Ok(serialize::write_message_to_words(&copy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_the_same_afterwards() {
        let mut message = Builder::new_default();
        let mut reading = message.init_root::<reading::Builder<'_>>();
        reading.set_sensor("attic");
        reading.set_value(21.5);
        let bytes = serialize::write_message_to_words(&message);
        assert_eq!(copy(&bytes).expect("a reading"), bytes);
        for end in 0..bytes.len() {
            assert_eq!(copy(&bytes[..end]).expect_err("it is cut").status(), 65);
        }
        // One segment of 64 MiB, says its header.
        assert_eq!(
            copy(&[0, 0, 0, 0, 0xff, 0xff, 0x7f, 0]).expect_err("it is not there").status(),
            65
        );
    }
}
