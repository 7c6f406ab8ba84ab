//! What a monitor is confined by that is another program: what this one takes from it as it is
//! started. Its system calls it filters itself.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::set_no_new_privs;

use super::{Jail, JailError, Layer, Layers, filter, landlock};

/// The most descriptors that a program has open at a time: three times what QEMU needs.
const MAX_DESCRIPTORS: u64 = 64;

/// What a program is allowed of the file system.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Files and folders that it reads, and executes.
    pub(crate) readable: Vec<PathBuf>,
    /// Files that it reads, writes and controls.
    pub(crate) devices: Vec<PathBuf>,
}

/// What a program is started under.
#[derive(Debug)]
pub(crate) struct Confinement {
    ruleset: Option<OwnedFd>,
    /// What holds then, if the program filters its system calls where that is said to hold.
    pub(crate) layers: Layers,
}

impl Jail {
    /// Gets ready to confine a program; `None` if none is to be.
    pub(crate) fn around(&self, needs: &Needs) -> Result<Option<Confinement>, JailError> {
        if !self.is_asked_for() {
            return Ok(None);
        }
        let landlock = landlock::version().and_then(|version| {
            let ruleset = landlock::allow(&needs.readable, &needs.devices)?;
            Ok((ruleset, version))
        });
        let (ruleset, landlock_abi) = self.settle(Layer::Landlock, landlock)?.unwrap_or((None, 0));
        let seccomp = self.settle(Layer::Seccomp, filter::check())?.is_some();
        let layers = Layers { no_new_privs: true, limits: true, landlock_abi, seccomp };
        Ok(Some(Confinement { ruleset, layers }))
    }
}

impl Confinement {
    /// Has the process that `command` starts confined. To be called before what gives it descriptors,
    /// and this value kept until the process is started.
    pub(crate) fn hold(&self, command: &mut Command) {
        let ruleset = self.ruleset.as_ref().map(AsRawFd::as_raw_fd);
        // SAFETY: between fork and exec only async-signal-safe functions may run and nothing may be
        // allocated. `confine` makes system calls, and its errors are numbers.
        unsafe { command.pre_exec(move || confine(ruleset)) };
    }
}

fn confine(ruleset: Option<RawFd>) -> io::Result<()> {
    let limit = |number| Rlimit { current: Some(number), maximum: Some(number) };
    setrlimit(Resource::Core, limit(0))?;
    // Not even root may always raise what was set lower already.
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(MAX_DESCRIPTORS);
    setrlimit(Resource::Nofile, limit(allowed.min(MAX_DESCRIPTORS)))?;
    set_no_new_privs(true)?;
    match ruleset {
        Some(ruleset) => landlock::restrict(ruleset),
        None => Ok(()),
    }
}
