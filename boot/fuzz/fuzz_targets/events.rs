//! See `boot/src/cli/event/fuzz.rs`, which is the command line's and so in no library.
#![no_main]

#[path = "../../src/cli/event/fuzz.rs"]
mod fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::events(bytes));
