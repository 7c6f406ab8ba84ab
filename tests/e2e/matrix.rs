//! The backends of this machine, each with every test; and, in a line, why one is not there.

use std::fmt;
use std::process::{Command, Stdio};

use ampoule_boot::host::probe_kvm;

/// What a function's machine is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The launcher's own monitor.
    Kvm,
    /// QEMU, the processor executing.
    QemuKvm,
    /// QEMU, translating.
    QemuTcg,
}

impl Backend {
    const ALL: [Self; 3] = [Self::Kvm, Self::QemuKvm, Self::QemuTcg];

    /// The launcher's options that choose it.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["--backend", "builtin"],
            Self::QemuKvm => &["--backend", "qemu", "--accel", "kvm"],
            Self::QemuTcg => &["--backend", "qemu", "--accel", "tcg"],
        }
    }

    /// Whether it is QEMU, in a process of its own.
    pub fn is_qemu(self) -> bool {
        self != Self::Kvm
    }

    /// What executes the function's instructions, as reports call it.
    pub fn accel(self) -> &'static str {
        match self {
            Self::Kvm | Self::QemuKvm => "kvm",
            Self::QemuTcg => "tcg",
        }
    }

    /// Why it cannot be used here.
    fn problem(self) -> Option<String> {
        let no_kvm = || probe_kvm().problem.map(|problem| problem.to_string());
        match self {
            Self::Kvm => no_kvm(),
            Self::QemuKvm => no_qemu().or_else(no_kvm),
            Self::QemuTcg => no_qemu(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::QemuKvm => "qemu-kvm",
            Self::QemuTcg => "qemu-tcg",
        })
    }
}

/// Whether this run is one in which nothing may be missing.
pub fn is_strict() -> bool {
    std::env::var_os("AMPOULE_TEST_BACKENDS").is_some()
}

/// The backends to be tested; an error if one that was asked for is not there.
pub fn backends() -> Result<Vec<Backend>, String> {
    match std::env::var("AMPOULE_TEST_BACKENDS") {
        Ok(list) => asked_for(&list),
        Err(_) => Ok(found()),
    }
}

fn asked_for(list: &str) -> Result<Vec<Backend>, String> {
    let mut backends = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let known = Backend::ALL.into_iter().find(|backend| backend.to_string() == name);
        let backend = known.ok_or_else(|| {
            format!("AMPOULE_TEST_BACKENDS names {name:?}: it knows kvm, qemu-kvm and qemu-tcg")
        })?;
        if let Some(problem) = backend.problem() {
            return Err(format!("AMPOULE_TEST_BACKENDS asks for {backend}, but {problem}"));
        }
        backends.push(backend);
    }
    Ok(backends)
}

fn found() -> Vec<Backend> {
    let mut backends = Vec::new();
    for backend in Backend::ALL {
        match backend.problem() {
            None => backends.push(backend),
            Some(problem) => eprintln!("skipped: all tests on {backend}: {problem}"),
        }
    }
    backends
}

fn no_qemu() -> Option<String> {
    let program = std::env::var_os("AMPOULE_QEMU").unwrap_or("qemu-system-x86_64".into());
    let status = Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("{} --version failed ({status})", program.display())),
        Err(error) => Some(format!("{} cannot be started: {error}", program.display())),
    }
}
