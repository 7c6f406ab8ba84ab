//! A subject: a command that is started afresh for each measurement.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use ampoule_boot::backend::qemu::machine;
use ampoule_boot::host::Accel;

/// The subject that all others are compared with.
pub const PROCESS: &str = "static process, glibc";

/// What runs an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The launcher's own, over KVM.
    Builtin,
    /// QEMU, with this to execute the guest's instructions.
    Qemu(Accel),
}

impl Monitor {
    fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Qemu(Accel::Kvm) => "qemu-kvm",
            Self::Qemu(Accel::Tcg) => "qemu-tcg",
        }
    }

    /// The launcher's options that choose it: none for what it chooses where there is KVM.
    fn options(self) -> Vec<OsString> {
        let words: &[&str] = match self {
            Self::Builtin => &[],
            Self::Qemu(Accel::Kvm) => &["--backend", "qemu", "--accel", "kvm"],
            Self::Qemu(Accel::Tcg) => &["--backend", "qemu", "--accel", "tcg"],
        };
        words.iter().map(OsString::from).collect()
    }
}

/// Something to measure.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Its name in the table.
    pub name: String,
    /// The bare kernel that its times are divided by too, if there is one.
    pub baseline: Option<String>,
    /// Whether the others are measured without it if it does not work here.
    pub is_optional: bool,
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    /// Whether a name that no other start has follows the arguments.
    pub(super) needs_name: bool,
    /// Whether it writes nothing, rather than what it reads.
    pub(super) is_silent: bool,
}

impl Subject {
    /// The launcher with an image that echoes.
    pub fn call(launcher: &Path, image: &Path, monitor: Monitor) -> Self {
        let mut arguments = vec!["run".into(), image.into()];
        arguments.extend(monitor.options());
        Self {
            name: format!("ampoule run echo, {}", monitor.name()),
            baseline: matches!(monitor, Monitor::Qemu(_)).then(|| bare_name(monitor)),
            program: launcher.into(),
            arguments,
            ..Self::default()
        }
    }

    /// The same image in a bundle.
    pub fn bundle(bundle: &Path) -> Self {
        Self { name: "bundle of echo, builtin".into(), program: bundle.into(), ..Self::default() }
    }

    /// QEMU itself, with a kernel that only ends the machine.
    pub fn bare_kernel(qemu: &OsStr, kernel: &Path, accel: Accel, memory_bytes: u64) -> Self {
        let mut arguments: Vec<OsString> =
            machine(accel, memory_bytes).into_iter().map(Into::into).collect();
        arguments.extend(["-kernel".into(), kernel.into()]);
        Self {
            name: bare_name(Monitor::Qemu(accel)),
            program: qemu.into(),
            arguments,
            is_silent: true,
            ..Self::default()
        }
    }

    /// The same function as a process of the host's.
    pub fn process(name: &str, program: &Path) -> Self {
        Self { name: name.into(), program: program.into(), ..Self::default() }
    }

    /// A peer of the user's choice: a line for the shell that copies STDIN to STDOUT.
    pub fn peer(line: &str) -> Self {
        Self {
            name: line.into(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("exec {line}").into()],
            ..Self::default()
        }
    }
}

fn bare_name(monitor: Monitor) -> String {
    format!("bare kernel, {}", monitor.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_under_qemu_are_compared_with_a_bare_kernel() {
        let call = |monitor| Subject::call("a".as_ref(), "i".as_ref(), monitor);
        assert_eq!(call(Monitor::Builtin).baseline, None);
        let under_qemu = call(Monitor::Qemu(Accel::Tcg));
        let bare = Subject::bare_kernel("q".as_ref(), "k".as_ref(), Accel::Tcg, 4 << 20);
        assert_eq!(under_qemu.baseline, Some(bare.name));
    }
}
