//! `ampoule-bundle`: a launcher that has its image in itself, where `cargo xtask bundle` puts it.
//!
//! Its command line is the function's, but for words at its beginning that begin with `--ampoule-`. It
//! does what `ampoule run` does, but for what reads another file: events, symbols of backtraces.
#![cfg_attr(not(test), no_main)]

mod guard;
mod inspection;
mod options;
mod payload;

use std::ffi::OsString;
use std::sync::Arc;

use ampoule_abi::status;
use ampoule_boot::program::{self, Began, Desk, NoSymbols, standard, terminal};
use ampoule_boot::{Reason, context, jail};
use anyhow::anyhow;
use options::{Options, Task};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg_attr(not(test), unsafe(no_mangle))]
#[allow(unsafe_code)]
extern "C" fn main(
    count: std::ffi::c_int,
    words: *const *const std::ffi::c_char,
) -> std::ffi::c_int {
    let began = Began::now();
    // SAFETY: these are the arguments of C's `main`.
    let words = unsafe { program::process::begin(count, words) };
    program::own_up_to_panics();
    terminal::name_options(options::PREFIX);
    // To return from `main` is more than a jailed process may do.
    jail::exit(program::exit_code(run(words, began)))
}

fn run(words: Vec<OsString>, began: Began) -> anyhow::Result<u8> {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let Options { mut order, report, task } = Options::parse(words)?;
    if task == Task::Help {
        standard::print(options::help(&name.to_string_lossy()).as_bytes())?;
        return Ok(status::SUCCESS);
    }
    let desk = Desk::open(report.as_deref(), order.confinement)?;
    let image = match payload::image() {
        Ok(image) => Arc::new(image),
        Err(error) => return desk.not_begun(Reason::NotRunnable, &anyhow!("{error}"), None),
    };
    if task == Task::Inspect {
        standard::print(inspection::of(&image)?.as_bytes())?;
        return Ok(status::SUCCESS);
    }
    let given = std::mem::take(&mut order.variables);
    order.variables = context::of_caller(rustix::stdio::stdin());
    order.variables.extend(given);
    let began = if order.timings || report.is_some() { began.asked() } else { began };
    order.run(&image, began, desk, NoSymbols)
}
