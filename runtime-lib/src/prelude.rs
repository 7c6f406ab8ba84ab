//! What nearly every function names: the collections of `alloc`, the I/O traits, the print macros
//! and [`Result`]. On the host the print macros are those of `std`, which panic when STDOUT is closed.

pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::string::{String, ToString};
pub use alloc::vec::Vec;
pub use alloc::{format, vec};

pub use crate::entry::Status;
pub use crate::io::{BufRead, BufReadExt, Read, ReadExt, Write};
pub use crate::{Error, Result};
#[cfg(ampoule_guest)]
pub use crate::{eprint, eprintln, print, println};
// The very macros of std's own prelude: others of their names would be ambiguous.
#[cfg(not(ampoule_guest))]
pub use std::{eprint, eprintln, print, println};
