//! `cargo xtask`: builds functions into images and has them run. Never boots a machine itself.
#![forbid(unsafe_code)]

mod bench;
mod bundle;
mod cargo;
mod checks;
mod console;
mod dist;
mod doctor;
mod find;
mod image;
mod inspect;
mod interruption;
mod kubernetes;
mod launcher;
mod manifest;
mod nearest;
mod oci;
mod pipeline;
mod progress;
mod project;
mod publish;
#[cfg(test)]
#[path = "../../boot/fuzz/replay.rs"]
mod replay;
mod reproduce;
mod results;
mod rustc;
mod static_program;
mod status;
mod symbol;
mod template;
mod undo;
mod unfinished;
mod verb;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;

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
    New(verb::new::New),
    BuildFn(verb::build_fn::BuildFn),
    Dist(verb::dist::Dist),
    Verify(verb::verify::Verify),
    Invoke(verb::invoke::Invoke),
    Event(verb::event::Event),
    Pipe(verb::pipe::Pipe),
    List(verb::list::List),
    Inspect(verb::inspect::Inspect),
    Bundle(verb::bundle::Bundle),
    Launcher(verb::launcher::Launcher),
    Bench(verb::bench::Bench),
    Doctor(verb::doctor::Doctor),
    Setup(verb::setup::Setup),
    Demo(verb::demo::Demo),
    Ci(verb::ci::Ci),
    Completions(verb::completions::Completions),
}

fn main() -> ExitCode {
    if let Some(why) = image::canonical::take_over() {
        console::error(format_args!("the compiler cannot be started: {why}"));
        return ExitCode::FAILURE;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return status::of_usage(&error),
    };
    let runs =
        matches!(cli.verb, Verb::Invoke(_) | Verb::Pipe(_) | Verb::Event(_) | Verb::Verify(_));
    status::report_bugs(runs);
    publish::bear_limits();
    let console = Console::new(cli.verbose);
    let result = match cli.verb {
        Verb::New(verb) => verb.run(console),
        Verb::BuildFn(verb) => verb.run(console),
        Verb::Dist(verb) => verb.run(console),
        Verb::Verify(verb) => verb.run(console),
        Verb::Invoke(verb) => verb.run(console),
        Verb::Event(verb) => verb.run(console),
        Verb::Pipe(verb) => verb.run(console),
        Verb::List(verb) => verb.run(console),
        Verb::Inspect(verb) => verb.run(console),
        Verb::Bundle(verb) => verb.run(console),
        Verb::Launcher(verb) => verb.run(console),
        Verb::Bench(verb) => verb.run(console),
        Verb::Doctor(verb) => verb.run(),
        Verb::Setup(verb) => verb.run(console),
        Verb::Demo(verb) => verb.run(console),
        Verb::Ci(verb) => verb.run(console),
        Verb::Completions(verb) => Ok(verb.run()),
    };
    match (result, results::lost()) {
        (Ok(_), Some(why)) => status::of_lost_result(why, runs),
        (Ok(status), None) => status,
        (Err(error), _) => status::of_failure(&error, runs),
    }
}
