//! What is shown while cargo works: its own lines, or a spinner where those would be in the way.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::console::{Console, Verbosity};

/// The progress of one compilation, on STDERR.
pub struct Progress {
    spinner: ProgressBar,
}

impl Progress {
    /// Starts; the spinner appears on a terminal only, when cargo is kept quiet, once there is
    /// something to do.
    pub fn new(binary: &str, console: Console) -> Self {
        if console.verbosity() != Verbosity::Quiet {
            return Self { spinner: ProgressBar::hidden() };
        }
        let spinner = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} Compiling {prefix}: {msg} {elapsed}");
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        spinner.set_prefix(binary.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self { spinner }
    }

    /// A crate is compiled.
    pub fn compiled(&self, target: &str, fresh: bool) {
        if !fresh {
            self.spinner.set_message(format!("{target} done"));
        }
    }

    /// Shows a message of the compiler.
    pub fn show(&self, rendered: &str) {
        self.spinner.suspend(|| {
            // A STDERR that nobody reads is no reason to stop compiling.
            let _ = anstream::stderr().write_all(rendered.as_bytes());
        });
    }

    /// Clears the spinner away.
    pub fn finish(self) {
        self.spinner.finish_and_clear();
    }
}
