//! Landlock: what a process may do with files and TCP, whatever its user may (Linux
//! `userspace-api/landlock.rst`).
#![allow(unsafe_code)]

use std::error::Error;
use std::io;
use std::iter;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::ptr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};

/// The newest version whose rights are known here; of an older kernel's, all are used.
const NEWEST: ABI = ABI::V7;

/// `LANDLOCK_CREATE_RULESET_VERSION`.
const VERSION: libc::c_uint = 1;

/// The kernel's version; an error says what to do.
pub(super) fn version() -> io::Result<u32> {
    let (nothing, bytes) = (ptr::null::<libc::c_void>(), 0usize);
    // SAFETY: with this flag the system call takes no structure, and returns a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, bytes, VERSION) };
    if let Ok(version) = u32::try_from(version) {
        return Ok(version);
    }
    let error = io::Error::last_os_error();
    let what_to_do = match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has none: Linux 5.13 or newer is needed",
        Some(libc::EOPNOTSUPP) => {
            "this kernel has it disabled: put landlock into its lsm= parameter"
        }
        _ => return Err(error),
    };
    Err(io::Error::other(what_to_do))
}

/// Forbids this thread, and all that it will start, every access to files (but through descriptors
/// that are open), TCP, and, where the kernel can, signals and abstract sockets of others. It asks
/// for `no_new_privs`. The kernel's version.
pub(super) fn forbid_all() -> io::Result<u32> {
    let version = version()?;
    everything()
        .and_then(|ruleset| ruleset.create()?.no_new_privs(false).restrict_self())
        .map_err(cause)?;
    Ok(version)
}

/// The same but for these files and folders, as a descriptor; `None` where there is no Landlock.
/// What is not there is left out.
pub(super) fn allow(readable: &[PathBuf], devices: &[PathBuf]) -> io::Result<Option<OwnedFd>> {
    let device: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let ruleset = everything().and_then(|ruleset| {
        ruleset
            .create()?
            .add_rules(path_beneath_rules(readable, AccessFs::from_read(NEWEST)))?
            .add_rules(path_beneath_rules(devices, device))
    });
    Ok(ruleset.map_err(cause)?.into())
}

/// Has this thread obey a ruleset. One system call and nothing else; it asks for `no_new_privs`.
pub(super) fn restrict(ruleset: RawFd) -> io::Result<()> {
    // SAFETY: the system call takes two numbers.
    match unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What the system said, if it did.
fn cause(error: RulesetError) -> io::Error {
    let causes = iter::successors(Some(&error as &dyn Error), |&error| error.source());
    let said = causes.filter_map(|error| error.downcast_ref::<io::Error>());
    let number = said.filter_map(io::Error::raw_os_error).next();
    number.map_or_else(|| io::Error::other(error), io::Error::from_raw_os_error)
}

/// Takes every right there is; what is allowed is added.
fn everything() -> Result<Ruleset, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))
}
