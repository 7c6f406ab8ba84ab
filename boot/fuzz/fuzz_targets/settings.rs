//! See `xtask/src/image/spec/fuzz.rs`, which is in no library: these are the parts that it needs.
#![no_main]
#![allow(dead_code, reason = "the rest of xtask uses it")]

#[path = "../../../xtask/src/manifest.rs"]
mod manifest;
#[path = "../../../xtask/src/nearest.rs"]
mod nearest;
#[path = "../../../xtask/src/image/spec.rs"]
mod spec;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spec::fuzz::settings(bytes));
