//! The ways to start a guest, a closed set. Nothing above this module asks which one runs.

pub mod fake;
pub mod qemu;

use crate::guest::Guest;
use crate::spec::LaunchSpec;

/// Starts guests.
#[derive(Debug)]
pub enum Backend {
    /// A QEMU process for each guest.
    Qemu(qemu::Qemu),
    /// A script on the other end of the stream, for tests.
    Fake(fake::Fake),
}

impl Backend {
    /// Starts one guest.
    pub fn launch(&self, spec: &LaunchSpec) -> Result<Guest, LaunchError> {
        match self {
            Self::Qemu(qemu) => qemu.launch(spec),
            Self::Fake(fake) => fake.launch(spec),
        }
    }

    /// Its name, as in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Qemu(_) => "qemu",
            Self::Fake(_) => "fake",
        }
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self::Qemu(qemu::Qemu::default())
    }
}

/// Why no guest was started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The monitor is not installed.
    #[error(
        "{program} was not found: install QEMU (`sudo apt-get install qemu-system-x86`), or run \
            `cargo xtask doctor`"
    )]
    NoMonitor {
        /// The program that was looked for.
        program: String,
    },
    /// The thread that was to start it is gone.
    #[error(
        "the thread that starts the monitor ended before it did: this is a bug of the launcher"
    )]
    KeeperLost,
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl LaunchError {
    /// For `map_err`: names what was tried.
    pub(crate) fn system<E: Into<std::io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what, source: source.into() }
    }
}
