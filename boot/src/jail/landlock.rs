//! Landlock: what a process may do with files and TCP, whatever its user may.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope,
};

/// The newest version whose rights are known here; of an older kernel's, all are used.
const NEWEST: ABI = ABI::V7;

/// Forbids this thread, and all that it will start, every access to files (but through descriptors
/// that are open), TCP, and, where the kernel can, signals and abstract sockets of others. The
/// kernel's version. It asks for `no_new_privs`.
pub(super) fn forbid_all() -> io::Result<u32> {
    let status = ruleset()
        .and_then(|ruleset| ruleset.create()?.no_new_privs(false).restrict_self())
        .map_err(io::Error::other)?;
    version(status.landlock)
}

/// Takes every right there is; what is allowed is added.
fn ruleset() -> Result<Ruleset, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))
}

fn version(status: LandlockStatus) -> io::Result<u32> {
    match status {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi as u32),
        LandlockStatus::NotEnabled => Err(io::Error::other(
            "this kernel has it, but not enabled: put landlock into its lsm= parameter",
        )),
        LandlockStatus::NotImplemented => {
            Err(io::Error::other("this kernel has none: Linux 5.13 or newer is needed"))
        }
    }
}
