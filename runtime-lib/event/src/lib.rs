//! Events by CloudEvents 1.0.2, for both sides of a call (SPEC C5): the function that takes and gives
//! them, and the launcher that checks and converts them.
//!
//! An [`Event`] is always valid. It is read from and written to JSON ([`from_json`], [`to_json`]), Protobuf
//! ([`from_protobuf`], [`to_protobuf`]) and the environment with data beside it ([`from_environment`],
//! [`to_environment`]), and means the same in all of them; [`Data`] tells how. What is not an event by the
//! letter of the specification is refused, with the section that it violates.
//!
//! Batches, and JSON events that follow each other, are read and written one event at a time, in pieces of
//! any length ([`stream`]).
//!
//! ```
//! # #[cfg(all(feature = "json", feature = "protobuf"))] {
//! use ampoule_event::{Event, JsonText, from_json, from_protobuf, to_json, to_protobuf};
//!
//! # fn example() -> Result<(), ampoule_event::Error> {
//! let order = br#"{"specversion":"1.0","id":"7","source":"/shop","type":"ordered","data":{"cups":2}}"#;
//! let order = from_json(order)?;
//! assert_eq!(order.data().and_then(|data| data.text()), Some(r#"{"cups":2}"#));
//!
//! let random = [7; 8];
//! let bill = Event::new("8", "/till", "billed")?.with_data(JsonText::new("[3.20]")?);
//! let bill = bill.caused_by(&order, random);
//! assert_eq!(
//!     String::from_utf8(to_json(&bill)).as_deref(),
//!     Ok(concat!(
//!         r#"{"specversion":"1.0","id":"8","source":"/till","type":"billed","#,
//!         r#""datacontenttype":"application/json","causationid":"7","correlationid":"7","data":[3.20]}"#,
//!     )),
//! );
//! assert_eq!(from_protobuf(&to_protobuf(&bill)), Ok(bill));
//! # Ok(()) }
//! # example().unwrap();
//! # }
//! ```
//!
//! Readers take any bytes: they do not panic, do not recurse, take time in proportion to the bytes, and
//! memory as well.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod answer;
mod calendar;
mod data;
mod draft;
mod environment;
mod error;
mod event;
#[cfg(feature = "json")]
pub mod json;
mod json_text;
mod media_type;
mod mode;
mod name;
#[cfg(feature = "protobuf")]
pub mod protobuf;
#[cfg(any(feature = "json", feature = "protobuf"))]
pub mod stream;
mod text;
mod timestamp;
mod trace;
mod uri;
mod value;

pub use answer::{CAUSATION_ID, CORRELATION_ID, TRACE_PARENT, TRACE_STATE};
pub use data::{Data, Proto};
pub use environment::{
    ACCEPT, CONTENT_TYPE, PREFIX, Variables, from_environment, to_data, to_environment,
};
pub use error::{Error, Excerpt, Invalid};
pub use event::Event;
#[cfg(feature = "json")]
pub use json::{from_json, to_json};
pub use json_text::JsonText;
pub use media_type::MediaType;
pub use mode::{Format, Mode};
pub use name::Name;
#[cfg(feature = "protobuf")]
pub use protobuf::{from_protobuf, to_protobuf};
pub use timestamp::Timestamp;
pub use trace::{TraceParent, is_tracestate};
pub use uri::{Uri, UriReference};
pub use value::{Kind, Value};
