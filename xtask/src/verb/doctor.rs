//! `doctor`: says whether this machine can build and run functions, and what to do if not.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::doctor::{Check, State, examine};
use crate::results;

const SCHEMA: &str = "ampoule/doctor/1";

/// Check what is needed to build and run functions
#[derive(Args, Debug)]
#[command(after_help = "\
Exits with 1 if something is missing without which nothing works.

Examples:
  cargo xtask doctor
  cargo xtask doctor --json | jq '.checks[] | select(.state != \"good\")'")]
pub struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    ready: bool,
    checks: &'a [Check],
}

impl Doctor {
    pub fn run(self) -> Result<ExitCode> {
        let checks = examine();
        let ready = checks.iter().all(|check| check.state != State::Missing);
        if self.json {
            let report = Report { schema: SCHEMA, ready, checks: &checks };
            results::line(serde_json::to_string(&report)?);
        } else {
            checks.iter().for_each(print);
        }
        Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(check: &Check) {
    let (colour, word) = match check.state {
        State::Good => (AnsiColor::Green, "ok"),
        State::Weak => (AnsiColor::Yellow, "weak"),
        State::Missing => (AnsiColor::Red, "missing"),
    };
    let style: Style = colour.on_default().bold();
    results::line(format_args!("{style}{word:>8}{style:#}  {:9} {}", check.name, check.found));
    if let Some(remedy) = &check.remedy {
        results::line(format_args!("{:>8}  {:9} {remedy}", "", ""));
    }
}
