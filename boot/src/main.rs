//! `ampoule`: boots a function's image and connects it to this process's STDIN, STDOUT and STDERR.
//!
//! Thin: what the command line says, handed to the library; its outcome, as an exit status.

mod cli;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
