//! The JSON format (JSON Event Format 1.0.2), and its batches.

mod position;
mod read;
mod scanner;
mod texts;
mod write;

pub(crate) use position::syntax;
pub use read::from_json;
pub use texts::{SplitError, Texts};
pub use write::to_json;
