//! Compiling and linking one function for the guest, with cargo.
//!
//! The guest is compiled for the host's own triple, freestanding: a plain stable toolchain has all
//! that is needed, and floating point is in hardware. Everything is said on cargo's command line,
//! so that other people's projects need no configuration, and with an explicit `--target`, so that
//! build scripts and procedural macros are compiled for the host as always.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::Command;

use cargo_metadata::PackageId;
use rustix::fs::statvfs;

use super::{canonical, diagnose};
use crate::cargo::{self, Executable};
use crate::console::{Console, short_size};
use crate::project::{Function, Project};

/// What guests are compiled for.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How a function is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As small and fast as it gets.
    Optimised,
    /// With overflow checks and debug assertions, compiled quickly.
    Debug,
}

impl Profile {
    /// The profile that `--debug` chooses, or its absence.
    pub fn chosen(debug: bool) -> Self {
        if debug { Self::Debug } else { Self::Optimised }
    }

    /// Its name, for cargo and in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Optimised => "fn",
            Self::Debug => "fn-debug",
        }
    }

    /// The profile, as settings for cargo's command line. A panic aborts, and lines are kept for
    /// backtraces: they stay behind in the twin that is not stripped. The runtime mostly waits, and
    /// copies in code of its own: there, what is short is fast enough.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Optimised => &[
                "inherits='release'",
                "opt-level=3",
                "package.ampoule.opt-level='s'",
                "package.ampoule-abi.opt-level='z'",
                "lto='fat'",
                "codegen-units=1",
                "panic='abort'",
                "debug='line-tables-only'",
                "strip='none'",
                "split-debuginfo='off'",
            ],
            Self::Debug => {
                &["inherits='dev'", "panic='abort'", "strip='none'", "split-debuginfo='off'"]
            }
        }
    }
}

/// Less than compiling a function may take.
const LITTLE_ROOM_BYTES: u64 = 64 << 20;

/// Why a function could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Cargo could not be started or read.
    #[error("cargo could not be run; `cargo xtask doctor` checks the toolchain")]
    Cargo(#[from] io::Error),
    /// Cargo reported errors, which have been shown.
    #[error("function {name:?} does not compile{explanation}")]
    Failed {
        /// The function.
        name: String,
        /// What the errors mean and what to do, where that is known.
        explanation: String,
    },
    /// Cargo made no executable.
    #[error("cargo reported no executable for function {0:?}")]
    NoExecutable(String),
}

/// What was compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The linked file.
    pub executable: Executable,
    /// The packages of all that was compiled for it, macros and build scripts as well.
    pub packages: BTreeSet<PackageId>,
}

/// Compiles `function` and links it with `link_arguments`.
pub fn compile(
    project: &Project,
    function: &Function,
    profile: Profile,
    link_arguments: &[String],
    console: Console,
) -> Result<Compiled, CompileError> {
    let mut command = cargo::command("rustc", console);
    close(&mut command, profile);
    canonical::wrap(&mut command)?;
    // Where cargo looks for configuration: the project's, wherever the caller stands.
    command.current_dir(&project.root);
    command.arg("--manifest-path").arg(&function.manifest);
    command.args(["--package", &function.package.repr, "--bin", &function.name]);
    command.args(["--target", TARGET, "--profile", profile.name()]);
    command.arg("--target-dir").arg(project.target.join("guest"));
    for setting in profile.settings() {
        command.arg("--config").arg(format!("profile.{}.{setting}", profile.name()));
    }
    command.arg("--");
    command.args(link_arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    command.env("CARGO_ENCODED_RUSTFLAGS", compiler_flags().join("\x1f"));
    let outcome = cargo::run(command, &function.name, console)?;
    if !outcome.success {
        let explanation = diagnose::explain(&outcome.errors, project, function)
            .or_else(|| little_room(&project.target));
        return Err(CompileError::Failed {
            name: function.name.clone(),
            explanation: explanation.unwrap_or_default(),
        });
    }
    let executable =
        outcome.executable.ok_or_else(|| CompileError::NoExecutable(function.name.clone()))?;
    Ok(Compiled { executable, packages: outcome.packages })
}

/// The reason for errors of all kinds, of the linker above all.
fn little_room(target: &Path) -> Option<String> {
    let disk = statvfs(target).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    (free < LITTLE_ROOM_BYTES).then(|| {
        let (free, target) = (short_size(free), target.display());
        format!(": only {free} are free in {target}; make room there, or set CARGO_TARGET_DIR")
    })
}

/// What makes code a guest's.
pub const GUEST_CFG: [&str; 3] = [
    "--cfg=ampoule_guest",
    "--check-cfg=cfg(ampoule_guest)",
    // Crates that want randomness get it from the runtime.
    "--cfg=getrandom_backend=\"custom\"",
];

/// Takes away what the caller's environment would change of an image.
fn close(command: &mut Command, profile: Profile) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PROFILE_") {
            command.env_remove(name);
        }
    }
    // With it, crates find features in a stable compiler that it otherwise does not have.
    command.env_remove("RUSTC_BOOTSTRAP");
    if profile == Profile::Optimised {
        // Which parts were compiled together would depend on what was compiled before.
        command.env("CARGO_INCREMENTAL", "0");
    }
}

/// Flags for everything that is linked into the image. They replace those that the user has set
/// for programs of the host, which may not hold for a guest (another linker, a newer processor).
fn compiler_flags() -> Vec<&'static str> {
    let code_generation = [
        "-Ctarget-cpu=x86-64",
        "-Ctarget-feature=+crt-static",
        "-Crelocation-model=static",
        "-Cforce-frame-pointers=yes",
        "-Clinker-flavor=ld.lld",
        "-Clinker=rust-lld",
        "-Crelro-level=off",
    ];
    GUEST_CFG.into_iter().chain(code_generation).collect()
}
