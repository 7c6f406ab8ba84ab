//! The jail: what the kernel has to confine the process that runs a function.

use ampoule_boot::jail::{JailError, lacking, landlock_abi};

use super::{Check, State};

/// Checks the kernel's part in it.
pub fn examine() -> Check {
    judge(landlock_abi(), &lacking())
}

fn judge(landlock_abi: Option<u32>, lacking: &[JailError]) -> Check {
    let layers = landlock_abi.map_or_else(String::new, |abi| format!("Landlock ABI {abi}, "));
    if lacking.is_empty() {
        return Check::good("jail", format!("{layers}seccomp, no_new_privs"));
    }
    let found: Vec<_> = lacking.iter().map(ToString::to_string).collect();
    let remedy = "until then functions run, held by one layer less, and each call says so";
    Check::bad("jail", State::Weak, found.join("; "), remedy)
}

#[cfg(test)]
mod tests {
    use std::io;

    use ampoule_boot::jail::Layer;

    use super::*;

    #[test]
    fn what_the_kernel_lacks_is_named_and_no_reason_to_fail() {
        assert_eq!(judge(Some(7), &[]).found, "Landlock ABI 7, seccomp, no_new_privs");
        let lacking = JailError { layer: Layer::Landlock, why: io::Error::other("none here") };
        let check = judge(None, &[lacking]);
        assert_eq!(
            (check.state, &*check.found),
            (State::Weak, "not confined by Landlock: none here")
        );
    }
}
