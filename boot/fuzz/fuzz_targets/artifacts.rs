//! See `ampoule_boot::fuzz::artifacts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampoule_boot::fuzz::artifacts(bytes));
