//! See `ampoule_boot::fuzz::boot_information`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampoule_boot::fuzz::boot_information(bytes));
