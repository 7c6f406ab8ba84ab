//! `ci`: every check, on every backend that the machine has, and again as if it had no KVM.

use std::process::ExitCode;

use ampoule_boot::host::probe_kvm;
use anyhow::{Context, Result};
use clap::Args;

use crate::checks::{self, Tally};
use crate::console::{self, Console};
use crate::results;
use crate::verb::setup::Setup;

/// Set everything up and run every check and every test
#[derive(Args, Debug)]
#[command(after_help = "\
Formatting, lints and documentation, then all tests, on every backend that there is; where there is
KVM, those that boot machines run once more with it hidden. Advisories on what is built upon are
looked up where cargo-deny and its database are. A check that fails does not keep the
others from running. The last line counts the tests. Exits with 1 if anything failed.

Examples:
  cargo xtask ci
  cargo xtask ci > ci.log; tail -1 ci.log")]
pub struct Ci {}

impl Ci {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        Setup::with_peers().run(console)?;
        let mut failed = Vec::new();
        let mut tally = Tally::default();
        let mut all = checks::all(probe_kvm().problem.is_none());
        match checks::advisories() {
            Ok(check) => all.push(check),
            Err(missing) => console::warning(format_args!("skipped: advisories: {missing}")),
        }
        for mut check in all {
            console.status("Checking", check.name);
            console.command(&check.command);
            let passed = checks::run(&mut check.command, &mut tally)
                .with_context(|| format!("the check of {} cannot be run", check.name))?;
            if !passed {
                console::error(format_args!("{} failed", check.name));
                failed.push(check.name);
            }
        }
        results::line("");
        if !failed.is_empty() {
            console::error(format_args!("failed: {}", failed.join(", ")));
        }
        results::line(format_args!("tests: {} passed, {} failed", tally.passed, tally.failed));
        let good = failed.is_empty() && tally.failed == 0 && tally.passed > 0;
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
