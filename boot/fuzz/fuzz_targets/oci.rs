//! See `ampoule_boot::image::oci::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampoule_boot::fuzz::oci(bytes));
