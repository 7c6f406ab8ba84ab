//! KVM: there, openable, and of which kind. Everything works without it, only slower.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use super::{Check, State};

const DEVICE: &str = "/dev/kvm";

/// Modules that serve the device, and what they are.
const KINDS: [(&str, &str); 3] = [
    ("kvm_pvm", "software nested virtualisation"),
    ("kvm_intel", "Intel VT-x"),
    ("kvm_amd", "AMD-V"),
];

/// Checks KVM.
pub fn examine() -> Check {
    match OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(_) => Check::good("kvm", format!("{DEVICE}, {}", kind())),
        Err(error) => Check::bad("kvm", State::Weak, format!("{DEVICE}: {error}"), remedy(&error)),
    }
}

fn kind() -> String {
    let loaded = |(module, _): &&(&str, &str)| Path::new("/sys/module").join(module).exists();
    match KINDS.iter().find(loaded) {
        Some((module, what)) => format!("{module} ({what})"),
        None => "of a kind that /sys/module does not tell".into(),
    }
}

fn remedy(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "`sudo usermod -aG kvm $USER`, then log in again",
        io::ErrorKind::NotFound => {
            "enable virtualisation in the firmware and load kvm_intel or kvm_amd; in a container, \
             pass --device /dev/kvm"
        }
        _ => "see whether another hypervisor holds the processor's virtualisation",
    };
    format!("{remedy}; without it functions run under QEMU's translator, slower")
}
