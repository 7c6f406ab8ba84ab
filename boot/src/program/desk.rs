//! What is written of a call: why it failed, its backtrace, its report. All of it is ready before the
//! call begins, after which nothing can be opened.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};

use super::{Confinement, terminal};
use crate::backtrace::{self, BacktraceError, Twin};
use crate::error::with_causes;
use crate::jail::{Clerk, Jail};
use crate::report::{self, Report};
use crate::{Error, Image, Outcome, Reason};

/// Functions and lines for the addresses of a backtrace.
pub trait Symbols {
    /// Leaves what it takes to find them.
    fn keep_in(&self, jail: Jail) -> Jail;

    /// The backtrace as text.
    fn render(self, image: &Image, addresses: &[u64]) -> Result<String, BacktraceError>;
}

impl Symbols for Result<Twin, BacktraceError> {
    fn keep_in(&self, jail: Jail) -> Jail {
        self.iter().fold(jail, Jail::keeping)
    }

    fn render(self, image: &Image, addresses: &[u64]) -> Result<String, BacktraceError> {
        self.and_then(|twin| twin.symbolise(image, addresses))
    }
}

/// There are none.
#[derive(Clone, Copy, Debug)]
pub struct NoSymbols;

impl Symbols for NoSymbols {
    fn keep_in(&self, jail: Jail) -> Jail {
        jail
    }

    fn render(self, _image: &Image, _addresses: &[u64]) -> Result<String, BacktraceError> {
        Err(BacktraceError::NoPath)
    }
}

/// Who is told how a call has ended.
#[derive(Debug, Default)]
pub struct Desk {
    report: Option<PathBuf>,
    clerk: Option<Clerk>,
}

impl Desk {
    /// One that writes a report to a file, if any; another process does it where this one will be
    /// jailed.
    pub fn open(report: Option<&Path>, confinement: Confinement) -> anyhow::Result<Self> {
        let Some(path) = report else { return Ok(Self::default()) };
        ensure!(path.as_os_str() != "-", "a report goes to a file: name one, or /dev/stderr");
        Report::check_place(path).with_context(|| {
            let path = path.display();
            format!("cannot write a report to {path}; name a file in a folder that is there")
        })?;
        let is_jailed = confinement != Confinement::None;
        let put = |json: &[u8]| report::put(path, json);
        let clerk = is_jailed.then(|| Clerk::hire(report::patience(path), put));
        let clerk = clerk.transpose().context("cannot start the process that writes the report")?;
        Ok(Self { report: Some(path.to_owned()), clerk })
    }

    /// Whether a report is wanted.
    pub(super) fn reports(&self) -> bool {
        self.report.is_some()
    }

    pub(super) fn keep_in(&self, jail: Jail) -> Jail {
        self.clerk.iter().fold(jail, Jail::with_clerk)
    }

    /// Ends a call that was not begun; its status.
    pub fn not_begun(
        self,
        reason: Reason,
        error: &anyhow::Error,
        image: Option<&Image>,
    ) -> anyhow::Result<u8> {
        let message = with_causes(error.as_ref());
        terminal::error(&message);
        self.write_report(reason.exit_code(), || Report::of_failure(reason, message, image))?;
        Ok(reason.exit_code())
    }

    /// Ends a call that did not come about; its status.
    pub fn failed(self, error: &Error, image: Option<&Image>) -> anyhow::Result<u8> {
        terminal::error(&error.to_string());
        self.write_report(error.exit_code(), || Report::of_error(error, image))?;
        Ok(error.exit_code())
    }

    /// Writes the report of a call with this status, which the caller is not to lose with it.
    pub(super) fn write_report(
        self,
        status: u8,
        report: impl FnOnce() -> Report,
    ) -> anyhow::Result<()> {
        let Some(path) = self.report else { return Ok(()) };
        let json = report().json();
        let written = json.and_then(|json| match self.clerk {
            Some(clerk) => clerk.write(&json),
            None => report::put(&path, &json),
        });
        written.map_err(|why| {
            anyhow!(
                "cannot write the report to {} ({why}): make room there, or name another file; the \
                    call's own status was {status}",
                path.display()
            )
        })
    }
}

/// Shows the backtrace of a call that has one.
pub(super) fn show_backtrace(
    outcome: &Outcome,
    image: &Image,
    symbols: impl Symbols,
    is_quiet: bool,
) {
    match symbols.render(image, &outcome.backtrace) {
        Ok(text) => terminal::plain(&text),
        Err(error) => {
            terminal::plain(&backtrace::numbers(&outcome.backtrace));
            if !is_quiet && !matches!(error, BacktraceError::NoPath) {
                terminal::plain(&format!("  ({error})\n"));
            }
        }
    }
}
