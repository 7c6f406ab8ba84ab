//! Everything a function needs: a program that reads STDIN and writes STDOUT, with arguments, an
//! environment, clocks and randomness, and nothing else.
//!
//! ```
//! #![cfg_attr(ampoule_guest, no_std, no_main)]
//! use ampoule::prelude::*;
//!
//! ampoule::main!(shout);
//!
//! fn shout() -> Result<()> {
//!     ampoule::io::stdin().for_byte_line(|line| {
//!         println!("{}!", core::str::from_utf8(line)?);
//!         Ok(())
//!     })
//! }
//! ```
//!
//! The same source is two programs. With `--cfg ampoule_guest`, which `cargo xtask build-fn` sets,
//! it is an image that boots on bare virtual hardware, over `guest`. Without, it is an ordinary
//! program over `std` (`host`), so that `cargo test`, `cargo clippy`, `cargo run` and editors work
//! as for any other crate.
//!
//! Memory is whatever the virtual machine has: `alloc` is there, and running out of it ends the
//! call. A panic or a fault ends the call too, with a backtrace that the launcher puts names to.
#![cfg_attr(ampoule_guest, no_std)]

extern crate alloc;

pub mod entry;
pub mod env;
mod error;
#[cfg(any(feature = "event-json", feature = "event-protobuf"))]
pub mod event;
pub mod io;
pub mod prelude;
mod print;
pub mod process;
pub mod random;
pub mod time;

#[cfg(ampoule_guest)]
mod guest;
#[cfg(ampoule_guest)]
use guest as platform;

// Of the guest's side, what can be tested on the host.
#[cfg(all(test, not(ampoule_guest)))]
#[path = "guest/virtio/capabilities.rs"]
mod capabilities;

#[cfg(not(ampoule_guest))]
mod host;
#[cfg(not(ampoule_guest))]
use host as platform;

pub use ampoule_abi::status;
pub use error::{Error, Result};
#[doc(hidden)]
pub use print::{__eprint, __print};
