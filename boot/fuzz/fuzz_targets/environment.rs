//! See `boot/src/cli/environment/fuzz.rs`, which is the command line's and so in no library.
#![no_main]
#![allow(dead_code, reason = "the rest of the command line uses it")]

#[path = "../../src/cli/environment.rs"]
mod environment;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| environment::fuzz::environment(bytes));
