//! Functions of events (SPEC C5): `Event` in, `Event` out, or the data alone as a type of one's own.
//!
//! ```
//! #![cfg_attr(ampoule_guest, no_std, no_main)]
//! use ampoule::event::Json;
//! use ampoule::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! ampoule::handler!(greet);
//!
//! #[derive(Deserialize)]
//! struct Visitor { name: String }
//!
//! #[derive(Serialize)]
//! struct Greeting { text: String }
//!
//! fn greet(Json(visitor): Json<Visitor>) -> Json<Greeting> {
//!     Json(Greeting { text: format!("Hello, {}!", visitor.name) })
//! }
//! ```
//!
//! ```text
//! incoming  STDIN -> Events      outgoing  answers -> STDOUT
//! handler   what a handler may take and give
//! typed     data as types of one's own
//! answer    an event out of the one that caused it
//! ```
//!
//! Whether a call brings one event or many, in which format, with attributes in the environment or
//! beside the data, is all the same to a handler; see [`handler!`](crate::handler) and
//! [`batch_handler!`](crate::batch_handler).

mod answer;
mod handler;
mod incoming;
mod outgoing;
mod typed;

pub use ampoule_event::{
    Data, Event, Format, JsonText, Kind, MediaType, Mode, Name, Proto, Timestamp, TraceParent, Uri,
    UriReference, Value,
};
#[cfg(feature = "event-json")]
pub use ampoule_event::{from_json, to_json};
#[cfg(feature = "event-protobuf")]
pub use ampoule_event::{from_protobuf, to_protobuf};
pub use answer::{Cause, EventExt};
pub use handler::{FromEvent, Handler, IntoAnswer};
pub use handler::{serve, serve_batch};
pub use incoming::{Events, are_given};
#[cfg(feature = "event-json")]
pub use typed::Json;
#[cfg(feature = "event-protobuf")]
pub use typed::Protobuf;

/// Makes a handler of events the program: `ampoule::handler!(handle);`, where `handle` takes an
/// [`Event`](crate::event::Event), or what else is [`FromEvent`](crate::event::FromEvent), and gives
/// what is [`IntoAnswer`](crate::event::IntoAnswer).
///
/// It is called for each event of STDIN. One that fails ends the call with its error's status.
#[macro_export]
macro_rules! handler {
    ($handler:path) => {
        fn ampoule_handler() -> $crate::Result {
            $crate::event::serve($handler)
        }
        $crate::main!(ampoule_handler);
    };
}

/// Makes a handler of all events of a call the program: `ampoule::batch_handler!(handle);`, where
/// `handle` takes `&mut` [`Events`](crate::event::Events) and gives what is
/// [`IntoAnswer`](crate::event::IntoAnswer), to all of them at once.
#[macro_export]
macro_rules! batch_handler {
    ($handler:path) => {
        fn ampoule_handler() -> $crate::Result {
            $crate::event::serve_batch($handler)
        }
        $crate::main!(ampoule_handler);
    };
}
