//! What this machine offers: whether KVM is there, answers, and of which kind it is.

use std::fmt;
use std::io;
use std::path::Path;

use kvm_ioctls::Kvm;

use crate::spec::AccelPlan;

/// What executes a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// The processor, through `/dev/kvm`.
    Kvm,
    /// QEMU's translator: slower, and works everywhere.
    Tcg,
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccelChoice {
    /// KVM where it works, else TCG with a notice.
    #[default]
    Auto,
    /// KVM or nothing.
    Kvm,
    /// TCG.
    Tcg,
}

/// What `/dev/kvm` is good for.
#[derive(Debug)]
pub struct KvmStatus {
    /// Why it cannot be used, if so.
    pub problem: Option<KvmProblem>,
    /// The kernel module behind it.
    pub kind: Option<KvmKind>,
}

/// A kernel module that serves `/dev/kvm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvmKind {
    /// Software nested virtualisation: ring 3 is native, ring 0 emulated.
    Pvm,
    /// Intel VT-x.
    Intel,
    /// AMD-V.
    Amd,
}

impl KvmKind {
    const ALL: [Self; 3] = [Self::Pvm, Self::Intel, Self::Amd];

    /// The module's name, as in `/sys/module`.
    pub fn module(self) -> &'static str {
        match self {
            Self::Pvm => "kvm_pvm",
            Self::Intel => "kvm_intel",
            Self::Amd => "kvm_amd",
        }
    }
}

/// Why KVM cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum KvmProblem {
    /// There is no device.
    #[error(
        "there is no /dev/kvm: enable virtualisation in the firmware and load kvm_intel or \
            kvm_amd; in a container, pass --device /dev/kvm"
    )]
    Absent,
    /// The user may not open it.
    #[error(
        "/dev/kvm may not be opened by this user: run `sudo usermod -aG kvm $USER` and log in again"
    )]
    NotPermitted,
    /// It cannot be opened for another reason.
    #[error("/dev/kvm does not open ({0}){advice}", advice = advice(.0))]
    Broken(io::Error),
    /// It was opened, and does not do what a machine takes.
    #[error("/dev/kvm does not {what} ({call}: {why}){advice}", advice = advice(.why))]
    Refused {
        /// What it was to do.
        what: &'static str,
        /// The call that was refused, as in Linux's `Documentation/virt/kvm/api.rst`.
        call: &'static str,
        /// What the system said.
        why: io::Error,
    },
    /// It speaks another interface.
    #[error("/dev/kvm speaks API version {0}, and only 12 is known: is this Linux?")]
    WrongVersion(i32),
    /// It lacks what the built-in monitor needs.
    #[error(
        "/dev/kvm does not take registers from memory (KVM_CAP_SYNC_REGS): update the kernel, to \
            Linux 4.17 at least"
    )]
    TooOld,
}

/// Asks `/dev/kvm` whether it works.
///
/// The check is the ioctl's answer, since a device node may exist with nothing behind it.
pub fn probe_kvm() -> KvmStatus {
    let problem = match Kvm::new() {
        Ok(kvm) => match kvm.get_api_version() {
            12 => None,
            -1 => Some(KvmProblem::Refused {
                what: "tell its version",
                call: "KVM_GET_API_VERSION",
                why: io::Error::last_os_error(),
            }),
            other => Some(KvmProblem::WrongVersion(other)),
        },
        Err(error) => Some(kvm_problem(error)),
    };
    let loaded = |kind: &KvmKind| Path::new("/sys/module").join(kind.module()).exists();
    KvmStatus { problem, kind: KvmKind::ALL.into_iter().find(loaded) }
}

/// Why /dev/kvm cannot be opened.
pub(crate) fn kvm_problem(error: kvm_ioctls::Error) -> KvmProblem {
    problem(io::Error::from_raw_os_error(error.errno()))
}

fn problem(error: io::Error) -> KvmProblem {
    match error.kind() {
        io::ErrorKind::NotFound => KvmProblem::Absent,
        io::ErrorKind::PermissionDenied => KvmProblem::NotPermitted,
        _ => KvmProblem::Broken(error),
    }
}

/// What to do about an error of KVM's, to follow the words of the system.
fn advice(why: &io::Error) -> &'static str {
    match why.raw_os_error() {
        Some(libc::ENOMEM | libc::ENOSPC | libc::EAGAIN) => ": is the host short of memory?",
        Some(libc::EMFILE | libc::ENFILE) => ": allow more open files (`ulimit -n`)",
        _ => ": is another hypervisor using the processor's virtualisation?",
    }
}

/// Why the caller's choice cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// KVM was demanded.
    #[error("KVM was asked for, but {0}; or run with --accel tcg")]
    NoKvm(KvmProblem),
    /// The built-in monitor was asked to do without KVM.
    #[error("the built-in monitor has nothing but KVM: run TCG with --backend qemu")]
    NoTcg,
}

/// Settles what executes a guest, and the notice to be shown for it.
pub fn choose(choice: AccelChoice) -> Result<(AccelPlan, Option<String>), HostError> {
    let plan = |first, may_fall_back| AccelPlan { first, may_fall_back };
    match choice {
        AccelChoice::Tcg => Ok((plan(Accel::Tcg, false), None)),
        AccelChoice::Kvm => match probe_kvm().problem {
            None => Ok((plan(Accel::Kvm, false), None)),
            Some(problem) => Err(HostError::NoKvm(problem)),
        },
        AccelChoice::Auto => Ok(match probe_kvm().problem {
            None => (plan(Accel::Kvm, true), None),
            Some(problem) => (plan(Accel::Tcg, false), Some(fallback_notice(&problem))),
        }),
    }
}

/// The one line that tells of a fallback.
pub(crate) fn fallback_notice(problem: &dyn fmt::Display) -> String {
    format!("running without KVM, slower: {problem} (--accel tcg silences this)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_names_its_fix() {
        let of = |kind| problem(io::Error::from(kind)).to_string();
        assert!(of(io::ErrorKind::NotFound).contains("--device /dev/kvm"));
        assert!(of(io::ErrorKind::PermissionDenied).contains("usermod -aG kvm"));
        let of = |errno| problem(io::Error::from_raw_os_error(errno)).to_string();
        assert!(of(libc::EBUSY).contains("another hypervisor"));
        assert!(of(libc::EMFILE).contains("`ulimit -n`"));
    }

    #[test]
    fn tcg_needs_no_probe_and_auto_never_fails() {
        let (plan, notice) = choose(AccelChoice::Tcg).expect("always there");
        assert_eq!((plan.first, notice), (Accel::Tcg, None));
        let (plan, notice) = choose(AccelChoice::Auto).expect("falls back");
        assert_eq!(plan.first == Accel::Tcg, notice.is_some());
    }
}
