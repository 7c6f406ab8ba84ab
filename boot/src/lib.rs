//! The launcher: boots a function's image in a fresh virtual machine and connects it to its caller.
//!
//! One [`Call`] is one virtual machine. It reads in the order in which a call runs:
//!
//! ```text
//! image    the file is checked, before any machine is made
//! context  the environment that the contract promises the function
//! backend  a machine: the built-in monitor's, in the caller's thread, or QEMU's, a stream away
//! jail     what confines the process that runs the guest, where that is asked for
//! session  the guest's frames <-> STDIN, STDOUT, STDERR, under a deadline
//! outcome  how the call ended, as an exit status and one message
//! ```
//!
//! ```no_run
//! use ampoule_boot::{Call, Image};
//!
//! let image = Image::open("target/fn/wc/wc.elf".as_ref())?;
//! let outcome = Call::new(image)
//!     .args(["-l"])
//!     .timeout(std::time::Duration::from_secs(2))
//!     .run(std::io::Cursor::new("one\ntwo\n"), std::io::stdout(), std::io::stderr())?;
//! assert_eq!(outcome.exit_code, 0);
//! # Ok::<(), ampoule_boot::Error>(())
//! ```
//!
//! Invariants: only `backend::qemu` knows QEMU's arguments and QMP, and only `backend::kvm` makes
//! machines itself; no byte from an image or a guest can panic the host; memory is bounded whatever
//! the length of a stream.
#![deny(unsafe_code)]

#[cfg(feature = "artifact")]
pub mod artifact;
pub mod backend;
pub mod backtrace;
pub mod bundle;
pub mod call;
pub mod context;
#[cfg(any(feature = "artifact", feature = "oci"))]
pub mod digest;
pub mod error;
mod foreign;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod guest;
pub mod host;
pub mod image;
pub mod jail;
pub mod opening;
pub mod outcome;
#[cfg(feature = "program")]
pub mod program;
pub mod report;
pub mod session;
pub mod spec;
pub mod units;

pub use call::Call;
pub use error::Error;
pub use image::Image;
pub use outcome::{Outcome, Reason};
