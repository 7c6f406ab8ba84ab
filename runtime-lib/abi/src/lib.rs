//! The contract between a function image and whatever boots it, as code.
//!
//! Everything that both sides must agree on is here and nowhere else: where an image lies in
//! memory ([`layout`]), what it says about itself ([`note`]), how damage to it is found ([`seal`]),
//! how bytes travel on the one duplex stream of a call ([`frame`], [`start`], [`ready`], [`exit`],
//! all on [`wire`]), and what a status means ([`status`]). `SPEC.md` states the same in prose,
//! clause by clause.
//!
//! No `unsafe`, no allocation, no panic on foreign bytes: each reader here is handed bytes that
//! the other side chose.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "messages"))]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod checksum;
pub mod command_line;
pub mod exit;
pub mod frame;
pub mod layout;
#[cfg(feature = "messages")]
pub mod messages;
pub mod note;
pub mod ready;
pub mod seal;
pub mod start;
pub mod status;
pub mod wire;

/// Version of the whole contract; an image and a launcher that differ by more than one refuse
/// each other (SPEC C7).
///
/// Changelog:
/// - 1: first version.
pub const ABI_VERSION: u32 = 1;
