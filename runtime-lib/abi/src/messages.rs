//! The contract's messages, owned, for launchers and build tools.
//!
//! Their field numbers are those of [`crate::start::field`], [`crate::exit::field`] and
//! [`crate::frame`]; the tests of those modules hold the two together.

use alloc::{string::String, vec::Vec};

use prost::bytes::Bytes;
use prost::{Message, Oneof};

/// One frame from the launcher.
#[derive(Clone, PartialEq, Message)]
pub struct ToGuest {
    /// What it is.
    #[prost(oneof = "to_guest::Kind", tags = "1, 2, 3")]
    pub kind: Option<to_guest::Kind>,
}

/// The kinds of [`ToGuest`].
pub mod to_guest {
    use super::*;

    /// What a frame from the launcher holds.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Kind {
        /// First and once.
        #[prost(message, tag = "1")]
        Start(super::Start),
        /// Bytes of STDIN.
        #[prost(bytes = "bytes", tag = "2")]
        Stdin(Bytes),
        /// The end of STDIN.
        #[prost(message, tag = "3")]
        StdinEnd(super::Empty),
    }
}

/// One frame from the guest.
#[derive(Clone, PartialEq, Message)]
pub struct ToHost {
    /// What it is.
    #[prost(oneof = "to_host::Kind", tags = "1, 2, 3, 4")]
    pub kind: Option<to_host::Kind>,
}

/// The kinds of [`ToHost`].
pub mod to_host {
    use super::*;

    /// What a frame from the guest holds.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Kind {
        /// First and once.
        #[prost(message, tag = "1")]
        Ready(super::Ready),
        /// Bytes of STDOUT.
        #[prost(bytes = "bytes", tag = "2")]
        Stdout(Bytes),
        /// Bytes of STDERR.
        #[prost(bytes = "bytes", tag = "3")]
        Stderr(Bytes),
        /// Last and once.
        #[prost(message, tag = "4")]
        Exit(super::Exit),
    }
}

/// A message without fields.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Empty {}

/// What a function is told before it runs.
#[derive(Clone, PartialEq, Message)]
pub struct Start {
    /// The launcher's ABI version.
    #[prost(uint32, tag = "1")]
    pub abi_version: u32,
    /// The function's name, then the caller's arguments; any bytes but NUL.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub arguments: Vec<Bytes>,
    /// The whole environment.
    #[prost(message, repeated, tag = "3")]
    pub variables: Vec<Variable>,
    /// Nanoseconds since the UNIX epoch.
    #[prost(uint64, tag = "4")]
    pub wall_clock_ns: u64,
    /// Fresh randomness, [`crate::start::RANDOMNESS_BYTES`] long.
    #[prost(bytes = "bytes", tag = "5")]
    pub randomness: Bytes,
    /// Ticks of the time stamp counter per second, 0 if unknown.
    #[prost(uint64, tag = "6")]
    pub tsc_hz: u64,
}

/// One variable of the environment; any bytes but NUL.
#[derive(Clone, PartialEq, Message)]
pub struct Variable {
    /// Its name, not empty.
    #[prost(bytes = "bytes", tag = "1")]
    pub name: Bytes,
    /// Its value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// The runtime is up.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Ready {
    /// The guest's ABI version.
    #[prost(uint32, tag = "1")]
    pub abi_version: u32,
    /// The time stamp counter when the runtime was up, 0 if unknown.
    #[prost(uint64, tag = "2")]
    pub time_stamp: u64,
}

/// How a function ended.
#[derive(Clone, PartialEq, Message)]
pub struct Exit {
    /// The status that the function asks for.
    #[prost(uint32, tag = "1")]
    pub status: u32,
    /// A [`crate::exit::Reason`].
    #[prost(int32, tag = "2")]
    pub reason: i32,
    /// What happened, for a person to read.
    #[prost(string, tag = "3")]
    pub message: String,
    /// Code addresses, innermost first.
    #[prost(uint64, repeated, packed = "false", tag = "4")]
    pub backtrace: Vec<u64>,
}

/// What an image says about itself.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ImageNote {
    /// The image's ABI version.
    #[prost(uint32, tag = "1")]
    pub abi_version: u32,
    /// The function's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The function's version.
    #[prost(string, tag = "3")]
    pub version: String,
    /// Guest memory wanted, in bytes.
    #[prost(uint64, tag = "4")]
    pub memory_bytes: u64,
    /// Stack, in bytes.
    #[prost(uint64, tag = "5")]
    pub stack_bytes: u64,
    /// Deadline when the caller names none, in milliseconds; 0 for none.
    #[prost(uint64, tag = "6")]
    pub timeout_ms: u64,
    /// Capabilities asked for.
    #[prost(string, repeated, tag = "7")]
    pub capabilities: Vec<String>,
    /// Event modes taken.
    #[prost(string, repeated, tag = "8")]
    pub event_modes: Vec<String>,
    /// Whether the image has a [seal](crate::seal), which it has lost if it is not there.
    #[prost(bool, tag = "9")]
    pub sealed: bool,
}
