//! The JSON format (JSON Event Format 1.0.2), and its batches.

mod batch;
mod position;
mod read;
mod scanner;
mod texts;
mod write;

pub use batch::{Batch, from_json_batch, to_json_batch};
pub(crate) use position::syntax;
pub use read::from_json;
pub use texts::{SplitError, Texts};
pub use write::to_json;
