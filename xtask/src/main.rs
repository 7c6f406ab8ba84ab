//! `cargo xtask`: builds functions into images and has them run. Never boots a machine itself.
#![forbid(unsafe_code)]

mod console;
mod image;
mod nearest;
mod project;
mod quantity;
mod verb;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;
use verb::build_fn::BuildFn;

/// Build functions into bootable images, and run them
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Cli {
    /// Echo external commands
    #[arg(short, long)]
    verbose: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    BuildFn(BuildFn),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.verbose);
    let result = match cli.verb {
        Verb::BuildFn(verb) => verb.run(console),
    };
    result.unwrap_or_else(|error| {
        console::error(format_args!("{error:#}"));
        ExitCode::FAILURE
    })
}
