//! What the process that runs a guest may do from the guest's first instruction on: next to
//! nothing, whoever may have taken it over.
//!
//! ```text
//! calls        the system calls that are allowed, and what needs each
//! filter       seccomp: those and no others
//! landlock     no file, no TCP, nobody else's sockets and signals
//! descriptors  what stays open, and the limits
//! clerk        what is still to be written to a file then, another process writes
//! program      a monitor that is another program
//! process      what ties such a process to this one
//! ```
//!
//! Nothing here needs a privilege, and nothing can be undone. What a jailed process still needs is
//! opened before.

mod calls;
mod clerk;
mod descriptors;
mod filter;
mod landlock;
pub(crate) mod process;
mod program;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use rustix::thread::set_no_new_privs;
use serde::Serialize;

use crate::spec::Notice;
pub(crate) use calls::Purpose;
pub use calls::names as system_calls;
pub use clerk::{Clerk, Patience};
pub use process::exit;
pub(crate) use program::{Confinement, Needs};

/// What confines the process that runs a guest: for the built-in monitor the calling one, for good,
/// with all its threads; for others that of the monitor.
///
/// By default nothing does, so that a program that embeds the launcher stays what it was. One that
/// asks for a jail has one thread, and does little more once its call has returned than to end with
/// [`exit`]: every descriptor but the standard ones and those of [`Jail::keeping`] is closed, and a
/// system call that is not allowed kills the process.
#[derive(Clone, Debug, Default)]
pub struct Jail {
    degree: Degree,
    kept: Vec<RawFd>,
    purposes: Vec<Purpose>,
    forbidden: Vec<String>,
    warning: Notice,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Degree {
    #[default]
    None,
    Possible,
    Whole,
}

impl Jail {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// What the kernel can do; each layer that it lacks is named to `warning` in a line.
    pub fn possible(warning: Notice) -> Self {
        Self { degree: Degree::Possible, warning, ..Self::default() }
    }

    /// Every layer, or no call.
    pub fn whole() -> Self {
        Self { degree: Degree::Whole, ..Self::default() }
    }

    /// Leaves this descriptor open, which is used during the call or after it.
    pub fn keeping(mut self, descriptor: impl AsFd) -> Self {
        self.kept.push(descriptor.as_fd().as_raw_fd());
        self
    }

    /// Leaves what it takes to have `clerk` write.
    pub fn with_clerk(mut self, clerk: &Clerk) -> Self {
        self.purposes.push(Purpose::Clerk);
        self.keeping(clerk)
    }

    /// Forbids this system call too, though the launcher may need it: it is then killed.
    pub fn without(mut self, system_call: &str) -> Self {
        self.forbidden.push(system_call.to_owned());
        self
    }

    /// Whether there is any.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.degree != Degree::None
    }

    /// Confines this process, which is about to run a guest on the processor `inmate` tells of.
    pub(crate) fn enter(&self, inmate: &Inmate) -> Result<Option<Layers>, JailError> {
        if !self.is_asked_for() {
            return Ok(None);
        }
        let kept = [&self.kept[..], &inmate.kept, &[inmate.processor]].concat();
        let mut layers = Layers::default();
        let closed = self.settle(Layer::Limits, descriptors::close_all_but(kept))?;
        let privileges = set_no_new_privs(true).map_err(io::Error::from);
        layers.no_new_privs = self.settle(Layer::NoNewPrivs, privileges)?.is_some();
        // Takes a descriptor for itself, and so goes before the limits.
        layers.landlock_abi = self.settle(Layer::Landlock, landlock::forbid_all())?.unwrap_or(0);
        let limited = self.settle(Layer::Limits, descriptors::limit(closed))?;
        layers.limits = closed.and(limited).is_some();
        // The last one, since it allows none of the above.
        let purposes = [&self.purposes[..], &inmate.purposes].concat();
        let mut allowed = calls::allowed(&purposes, &self.forbidden);
        if cfg!(debug_assertions) {
            allowed.push(calls::OF_DEBUG_BUILDS);
        }
        let program = filter::Program::new(&allowed, inmate.processor, filter::KILL);
        layers.seccomp = self.settle(Layer::Seccomp, program.install())?.is_some();
        Ok(Some(layers))
    }

    /// What becomes of a layer that may have failed.
    fn settle<T>(&self, layer: Layer, done: io::Result<T>) -> Result<Option<T>, JailError> {
        match (done, self.degree) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(why), degree) => {
                let error = JailError { layer, why };
                if degree == Degree::Whole || error.is_shortage() {
                    return Err(error);
                }
                self.warning.show(&error.to_string());
                Ok(None)
            }
        }
    }
}

/// What the kernel lacks of a jail.
pub fn lacking() -> Vec<JailError> {
    let landlock = landlock::version().map(drop).map_err(|why| (Layer::Landlock, why));
    let seccomp = filter::check().map_err(|why| (Layer::Seccomp, why));
    let lacking = [landlock, seccomp].into_iter().filter_map(Result::err);
    lacking.map(|(layer, why)| JailError { layer, why }).collect()
}

/// The version of Landlock that the kernel has, if any.
pub fn landlock_abi() -> Option<u32> {
    landlock::version().ok()
}

/// What is to be confined.
#[derive(Debug)]
pub(crate) struct Inmate {
    /// The virtual processor.
    pub(crate) processor: RawFd,
    /// Descriptors in use besides.
    pub(crate) kept: Vec<RawFd>,
    /// What is to happen besides the call.
    pub(crate) purposes: Vec<Purpose>,
}

/// The layers of a jail that hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Layers {
    /// No program that is executed gains privileges.
    pub no_new_privs: bool,
    /// No core file, and no descriptors but those in use.
    pub limits: bool,
    /// The version of Landlock that forbids files, and TCP from 4 on; 0 for none.
    pub landlock_abi: u32,
    /// System calls are filtered.
    pub seccomp: bool,
}

/// A layer of the jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `PR_SET_NO_NEW_PRIVS`.
    NoNewPrivs,
    /// Resource limits, and descriptors closed.
    Limits,
    /// Landlock.
    Landlock,
    /// The filter of system calls.
    Seccomp,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNewPrivs => "no_new_privs",
            Self::Limits => "resource limits",
            Self::Landlock => "Landlock",
            Self::Seccomp => "seccomp",
        })
    }
}

/// A layer cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("not confined by {layer}: {why}")]
pub struct JailError {
    /// Which one.
    pub layer: Layer,
    /// Why not.
    pub why: io::Error,
}

impl JailError {
    /// Whether the kernel has the layer, and is short of what it takes.
    fn is_shortage(&self) -> bool {
        let short = [libc::EMFILE, libc::ENFILE, libc::ENOMEM];
        self.why.raw_os_error().is_some_and(|number| short.contains(&number))
    }

    /// Why that is the end of a call.
    pub(crate) fn consequence(&self) -> &'static str {
        match self.is_shortage() {
            true => {
                "nothing was run: this kernel has it; raise the limit (`ulimit -n`, `ulimit -v`)"
            }
            false => "nothing was run, since the jail was to be whole (--require-jail)",
        }
    }
}
