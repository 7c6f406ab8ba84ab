//! Writes to its own page tables, those of the heap: what is mapped is not a function's to change.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::prelude::*;

ampoule::main!(tables);

#[cfg(ampoule_guest)]
fn tables() {
    unsafe extern "C" {
        static mut __heap_directories: u64;
    }
    println!("writing");
    let entry = &raw mut __heap_directories;
    // SAFETY: there is none: the write is what the processor has to refuse.
    unsafe { entry.write_volatile(0) };
    println!("written");
}

#[cfg(not(ampoule_guest))]
fn tables() -> Result {
    Err(Error::msg("a process of the host's has no page tables to write to"))
}
