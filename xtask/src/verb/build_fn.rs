//! `build-fn`: compiles functions into images.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ampoule_boot::digest::Digest;
use ampoule_boot::units;
use anyhow::{Context, Result};
use clap::{ArgGroup, Args, ValueEnum};
use serde::Serialize;

use crate::console::{Console, short_size};
use crate::image::{self, Built, Profile};
use crate::interruption::Interruption;
use crate::project::{Function, Project};
use crate::publish::publish;
use crate::{reproduce, results};

const SCHEMA: &str = "ampoule/build-fn/1";

/// Compile functions into bootable images
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("functions").args(["names", "all"]).required(true), after_help = "\
Settings are those of the function's Cargo.toml, by default:
  [package.metadata.fn]
  memory = \"16MiB\"        # a multiple of 2MiB
  stack = \"256KiB\"
  # timeout = \"30s\"       # the deadline when the caller names none
  event-modes = [\"raw\"]
  capabilities = []

Examples:
  cargo xtask build-fn wc
  cargo xtask build-fn --all --message-format json | jq -r .path
  cargo xtask build-fn wc --verify-reproducible
  cargo xtask build-fn resize --manifest-path ~/src/resize/Cargo.toml --out dist")]
pub struct BuildFn {
    /// Functions to build
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Build every function of the project
    #[arg(long)]
    all: bool,
    /// Folder for the images [default: target/fn/NAME, or target/fn-debug/NAME with --debug]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to report what was built: for people on STDERR, or one JSON object per line on STDOUT
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    message_format: MessageFormat,
    /// Compile quickly, with overflow checks and debug assertions, instead of small and fast
    #[arg(long)]
    debug: bool,
    /// Build each image once more elsewhere, from a copy of its sources, and fail if the bytes differ
    ///
    /// These differ then: the folders of sources and target, HOME, CARGO_HOME (without the user's
    /// settings for compiling), jobs, locale, time zone, umask and SOURCE_DATE_EPOCH. If the bytes
    /// do, both pairs of files are kept in target/irreproducible/NAME.
    #[arg(long)]
    verify_reproducible: bool,
    /// Write a file that lists what was read of packages with a path, a line each, for build scripts
    #[arg(long, value_name = "FILE")]
    list_sources: Option<PathBuf>,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MessageFormat {
    Human,
    Json,
}

/// One built image, for programs.
#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    name: &'a str,
    version: &'a str,
    path: &'a PathBuf,
    debug_path: &'a PathBuf,
    bytes: u64,
    sha256: Digest,
    memory_bytes: u64,
    stack_bytes: u64,
    timeout_ms: Option<u64>,
    event_modes: &'a [String],
    capabilities: &'a [String],
    fresh: bool,
    /// Whether that was verified; a difference is a failure.
    reproduced: bool,
}

impl BuildFn {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let functions = self.chosen(&project)?;
        let profile = Profile::chosen(self.debug);
        let mut interruption = match self.verify_reproducible {
            true => Some(Interruption::new().context("signals cannot be listened for")?),
            false => None,
        };
        let mut sources = BTreeSet::new();
        for function in functions {
            let default = || project.output(&function.name, profile);
            let folder = self.out.clone().unwrap_or_else(default);
            let built = image::build(&project, function, profile, &folder, console)?;
            sources.extend(built.sources.iter().cloned());
            if let Some(interruption) = &mut interruption {
                interruption.put_off(|interruption| {
                    reproduce::verify(&project, function, profile, &built, interruption, console)
                })??;
            }
            match self.message_format {
                MessageFormat::Human => self.say(function, &built, console),
                MessageFormat::Json => {
                    results::line(serde_json::to_string(&self.report(function, &built))?);
                }
            }
        }
        if let Some(path) = &self.list_sources {
            let lines = sources.iter().map(|source| format!("{}\n", source.display()));
            publish(path, lines.collect::<String>().as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn chosen<'a>(&self, project: &'a Project) -> Result<Vec<&'a Function>> {
        Ok(if self.all { project.all()? } else { project.some(&self.names)? })
    }

    fn say(&self, function: &Function, built: &Built, console: Console) {
        let verb = if built.fresh { "Fresh" } else { "Built" };
        let size = short_size(built.bytes);
        console.status(verb, format_args!("{} ({size})", built.path.display()));
        console.status("SHA-256", built.sha256.hexadecimal());
        // An image elsewhere is run by its path.
        let next = match self.out {
            Some(_) => next(&built.path.display().to_string(), None, false),
            None => next(&function.name, self.manifest_path.as_deref(), self.debug),
        };
        console.status("Next", next);
    }

    fn report<'a>(&self, function: &'a Function, built: &'a Built) -> Report<'a> {
        let settings = &function.settings;
        Report {
            schema: SCHEMA,
            name: &function.name,
            version: &function.version,
            path: &built.path,
            debug_path: &built.debug_path,
            bytes: built.bytes,
            sha256: built.sha256,
            memory_bytes: settings.memory_bytes,
            stack_bytes: settings.stack_bytes,
            timeout_ms: settings.timeout.map(units::milliseconds),
            event_modes: &settings.event_modes,
            capabilities: &settings.capabilities,
            fresh: built.fresh,
            reproduced: self.verify_reproducible,
        }
    }
}

/// What runs the function that was just built.
fn next(name: &str, manifest: Option<&Path>, debug: bool) -> String {
    let mut words = vec!["cargo".to_owned(), "xtask".into(), "invoke".into()];
    if debug {
        words.push("--debug".into());
    }
    if let Some(manifest) = manifest {
        words.extend(["--manifest-path".into(), manifest.display().to_string()]);
    }
    words.push(name.into());
    shell_words::join(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_runs_what_was_built() {
        assert_eq!(next("wc", None, false), "cargo xtask invoke wc");
        let elsewhere = next("wc", Some("my functions/Cargo.toml".as_ref()), true);
        let expected = "cargo xtask invoke --debug --manifest-path 'my functions/Cargo.toml' wc";
        assert_eq!(elsewhere, expected);
    }
}
