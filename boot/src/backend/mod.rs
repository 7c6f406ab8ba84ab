//! The ways to run a guest, a closed set.
//!
//! The built-in monitor runs it in the caller's thread; the others start a machine that is
//! [a stream away](crate::guest::Guest).

pub mod fake;
mod hold;
mod kvm;
pub mod qemu;
mod remains;

pub(crate) use hold::{Held, Request};
#[cfg(any(test, fuzzing))]
pub(crate) use kvm::fuzz;
pub use remains::Remains;

use crate::jail::JailError;

/// What runs guests.
#[derive(Debug)]
pub enum Backend {
    /// The built-in monitor where KVM works and is not declined, else QEMU.
    Auto(qemu::Qemu),
    /// The built-in monitor.
    BuiltIn,
    /// A QEMU process for each guest.
    Qemu(qemu::Qemu),
    /// A script on the other end of a stream, for tests.
    Fake(fake::Fake),
}

impl Default for Backend {
    fn default() -> Self {
        Self::Auto(qemu::Qemu::default())
    }
}

/// Why no guest was started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The monitor is not installed.
    #[error("{program} was not found: {}", match program == qemu::PROGRAM {
        true => "install QEMU (`sudo apt-get install qemu-system-x86`), or run `cargo xtask doctor`",
        false => "correct AMPOULE_QEMU, or leave it unset",
    })]
    NoMonitor {
        /// The program that was looked for.
        program: String,
    },
    /// The thread that was to start it is gone.
    #[error(
        "the thread that starts the monitor ended before it did: this is a bug of the launcher"
    )]
    KeeperLost,
    /// The process that was to run the guest cannot be confined in every way that was demanded, or
    /// that the kernel has.
    #[error("{error}; {consequence}", error = .0, consequence = .0.consequence())]
    Jail(#[from] JailError),
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
