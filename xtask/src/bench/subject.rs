//! A subject: a command that is started afresh for each measurement.

use std::ffi::OsString;
use std::path::Path;

use ampoule_boot::backend::qemu::machine;
use ampoule_boot::host::Accel;

/// Something to measure.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name in the table.
    pub name: String,
    /// The subject that its times are divided by, if there is one.
    pub baseline: Option<String>,
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) echoes: bool,
}

impl Subject {
    /// The launcher with an image that echoes.
    pub fn call(launcher: &Path, image: &Path, accel: Accel, memory_bytes: u64) -> Self {
        Self {
            name: format!("ampoule run echo, qemu-{}", name_of(accel)),
            baseline: Some(bare_name(accel)),
            program: launcher.into(),
            arguments: vec![
                "run".into(),
                image.into(),
                "--accel".into(),
                name_of(accel).into(),
                "--backend".into(),
                "qemu".into(),
                "--memory".into(),
                format!("{}MiB", memory_bytes >> 20).into(),
            ],
            echoes: true,
        }
    }

    /// QEMU itself, with a kernel that only ends the machine.
    pub fn bare_kernel(kernel: &Path, accel: Accel, memory_bytes: u64) -> Self {
        let mut arguments: Vec<OsString> =
            machine(accel, memory_bytes).into_iter().map(Into::into).collect();
        arguments.extend(["-kernel".into(), kernel.into()]);
        Self {
            name: bare_name(accel),
            baseline: None,
            program: "qemu-system-x86_64".into(),
            arguments,
            echoes: false,
        }
    }

    /// The same function as a process of the host's.
    pub fn process(program: &Path) -> Self {
        Self {
            name: "host process".into(),
            baseline: None,
            program: program.into(),
            arguments: Vec::new(),
            echoes: true,
        }
    }

    /// A peer of the user's choice: a line for the shell that copies STDIN to STDOUT.
    pub fn peer(line: &str) -> Self {
        Self {
            name: line.into(),
            baseline: None,
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("exec {line}").into()],
            echoes: true,
        }
    }
}

fn name_of(accel: Accel) -> &'static str {
    match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg",
    }
}

fn bare_name(accel: Accel) -> String {
    format!("bare kernel, qemu-{}", name_of(accel))
}
