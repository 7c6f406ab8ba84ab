//! KVM: there, openable, and of which kind. Everything works without it, only slower.

use ampoule_boot::host::{KvmKind, probe_kvm};

use super::{Check, State};

/// Checks KVM.
pub fn examine() -> Check {
    let status = probe_kvm();
    let kind = match status.kind {
        Some(KvmKind::Pvm) => "kvm_pvm, software nested virtualisation",
        Some(KvmKind::Intel) => "kvm_intel, Intel VT-x",
        Some(KvmKind::Amd) => "kvm_amd, AMD-V",
        None => "of a kind that /sys/module does not tell",
    };
    match status.problem {
        None => Check::good("kvm", format!("/dev/kvm, {kind}")),
        Some(problem) => {
            let remedy = "without it functions run under QEMU's translator, slower";
            Check::bad("kvm", State::Weak, problem.to_string(), remedy)
        }
    }
}
