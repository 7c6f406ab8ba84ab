//! `ampoule`: boots a function's image and connects it to this process's STDIN, STDOUT and STDERR.
//!
//! Thin: what the command line says, handed to the library; its outcome, as an exit status. The
//! program begins at C's `main`. The standard library's would do a thirtieth of a call before
//! that, most of it to tell a stack overflow from another fault.
#![cfg_attr(not(test), no_main)]

mod cli;

use ampoule_boot::program;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg_attr(not(test), unsafe(no_mangle))]
#[allow(unsafe_code)]
extern "C" fn main(
    count: std::ffi::c_int,
    words: *const *const std::ffi::c_char,
) -> std::ffi::c_int {
    // SAFETY: these are the arguments of C's `main`.
    let words = unsafe { program::process::begin(count, words) };
    cli::main(words).into()
}
