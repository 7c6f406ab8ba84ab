//! Programs of this machine's own, each one static executable: when it starts, nothing is looked
//! up and nothing is relocated.
//!
//! As for guests, everything is said on cargo's command line, with an explicit `--target`, so that
//! build scripts and procedural macros are compiled as always.

use std::io;
use std::path::PathBuf;

use crate::cargo;
use crate::console::Console;
use crate::image::canonical;
use crate::launcher::checkout;
use crate::rustc;

/// With musl, whose start-up asks the processor nothing. What it starts is up some 0.3 ms sooner
/// in a virtual machine, where each of glibc's two dozen questions (CPUID) leaves the machine.
pub const MUSL: &str = "x86_64-unknown-linux-musl";
/// With glibc, for which every toolchain of ours can compile.
pub const GNU: &str = "x86_64-unknown-linux-gnu";

/// They replace flags that the user has set, which may not hold here (a newer processor).
const FLAGS: [&str; 3] =
    ["-Ctarget-feature=+crt-static", "-Crelocation-model=static", canonical::PROGRAM_CFG];

/// Which program of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The package that it belongs to.
    pub package: &'static str,
    /// What it is to cargo, `--bin` or `--example`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The profile of the workspace by which it is compiled.
    pub profile: &'static str,
    /// Options that choose features.
    pub features: &'static [&'static str],
}

impl Program {
    /// One as it is released, with all its features.
    pub const fn released(package: &'static str, kind: &'static str, name: &'static str) -> Self {
        Self { package, kind, name, profile: "release", features: &[] }
    }
}

/// The target to compile for, the best of those that are installed.
pub fn best_target() -> &'static str {
    if rustc::has_target(MUSL) { MUSL } else { GNU }
}

/// What may help if a program for `target` does not compile: glibc's static library is in a package of
/// its own on some systems.
pub fn hint(target: &str) -> String {
    match target {
        GNU => format!(" (if libc.a is what the linker misses, `rustup target add {MUSL}` helps)"),
        _ => String::new(),
    }
}

/// Compiles a program, which takes no time if that was done before; its path, or `None` if there
/// were errors, which have been shown.
pub fn build(program: Program, target: &str, console: Console) -> io::Result<Option<PathBuf>> {
    let mut command = cargo::command("build", console);
    command.arg("--manifest-path").arg(checkout().join("Cargo.toml"));
    command.args(["--profile", program.profile, "--package", program.package]);
    command.args([program.kind, program.name]).args(program.features);
    command.args(["--target", target]);
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    canonical::wrap(&mut command)?;
    let outcome = cargo::run(command, program.name, console)?;
    let executable = outcome.executable.filter(|_| outcome.success);
    Ok(executable.map(|executable| executable.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_glibc_needs_a_hint() {
        assert!(hint(GNU).contains("`rustup target add x86_64-unknown-linux-musl`"));
        assert_eq!(hint(MUSL), "");
    }
}
