//! The Protobuf format (Protobuf Event Format 1.0.2), by `cloudevents.proto`, from which the format's prose
//! differs in names and numbers of fields; and its batches.
//!
//! Stricter than Protobuf itself: a field that is there once at most is refused if it is there twice, so
//! that no two readers find different events in the same bytes. Unknown fields are skipped.

mod elements;
mod fields;
mod read;
mod write;

pub use elements::Elements;
pub use read::from_protobuf;
pub(crate) use write::put_in_batch;
pub use write::to_protobuf;
