//! The Rust toolchain: new enough, able to compile for the guest's triple, with its own linker.

use std::path::Path;

use super::{Check, State, numbers};
use crate::image::compile::TARGET;
use crate::rustc::ask;
use crate::static_program::{self, MUSL};

const NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks the compiler, its targets and its linker.
pub fn examine() -> Vec<Check> {
    let Some(version) = ask(&["--version"]) else {
        let remedy = "install Rust from https://rustup.rs";
        return vec![Check::bad("rustc", State::Missing, "not found in PATH", remedy)];
    };
    let sysroot = ask(&["--print", "sysroot"]).unwrap_or_default();
    let target = Path::new(&sysroot).join("lib/rustlib").join(TARGET);
    let launcher = launcher(static_program::best_target());
    vec![compiler(&version), library(&target), linker(&target), launcher]
}

fn compiler(version: &str) -> Check {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    if numbers(number) >= numbers(NEEDED) {
        return Check::good("rustc", version);
    }
    let remedy = format!("{NEEDED} or newer is needed: `rustup update stable`");
    Check::bad("rustc", State::Missing, version, remedy)
}

fn library(target: &Path) -> Check {
    if target.join("lib").is_dir() {
        return Check::good("target", TARGET);
    }
    let found = format!("{TARGET} is not installed");
    Check::bad("target", State::Missing, found, format!("`rustup target add {TARGET}`"))
}

fn linker(target: &Path) -> Check {
    let path = target.join("bin/rust-lld");
    if path.is_file() {
        return Check::good("rust-lld", path.display().to_string());
    }
    let found = format!("not at {}", path.display());
    let remedy = "use a toolchain from https://rustup.rs, which has it on x86-64 Linux";
    Check::bad("rust-lld", State::Missing, found, remedy)
}

/// What the launcher is built for; it works with either.
fn launcher(target: &str) -> Check {
    let found = format!("static, {target}");
    if target == MUSL {
        return Check::good("launcher", found);
    }
    let remedy = format!("`rustup target add {MUSL}` lets it start some 0.3 ms sooner");
    Check::bad("launcher", State::Weak, found, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_is_told_from_a_new_one() {
        assert_eq!(compiler("rustc 1.95.0 (59807616e 2026-04-14)").state, State::Good);
        assert_eq!(compiler("rustc 1.75.0 (82e1608df 2023-12-21)").state, State::Missing);
    }

    #[test]
    fn the_launcher_s_target_is_no_reason_to_fail() {
        assert_eq!(launcher(MUSL).state, State::Good);
        let check = launcher(static_program::GNU);
        assert_eq!(check.state, State::Weak);
        assert!(check.found.contains("linux-gnu"), "{}", check.found);
    }
}
