//! See `ampoule_boot::fuzz::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampoule_boot::fuzz::session(bytes));
