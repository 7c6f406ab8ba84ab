//! See `xtask/src/inspect/fuzz.rs`, which is in no library: these are the parts that it needs.
#![no_main]
#![allow(dead_code, reason = "the rest of xtask uses it")]

#[path = "../../../xtask/src/image"]
mod image {
    pub mod audit;
    pub mod elf;
}
#[path = "../../../xtask/src/inspect.rs"]
mod inspect;
#[path = "../../../xtask/src/symbol.rs"]
mod symbol;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inspect::fuzz::inspection(bytes));
