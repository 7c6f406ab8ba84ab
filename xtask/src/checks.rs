//! The checks that `ci` makes, and the count of what the tests among them say.

use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::find;
use crate::image::compile::{GUEST_CFG, TARGET};
use crate::launcher;
use crate::project::RUNTIME_PACKAGE;
use crate::results;

/// The backends that the end-to-end tests must find.
const BACKENDS: &str = "AMPOULE_TEST_BACKENDS";

/// The manifest of the fuzz targets, which are a workspace of their own.
const FUZZ: &str = "boot/fuzz/Cargo.toml";

/// The manifest of the example of embedding, which is a workspace as a user's program is.
const EMBEDDING: &str = "boot/embed/example/Cargo.toml";

/// One check.
#[derive(Debug)]
pub struct Check {
    /// What it checks.
    pub name: &'static str,
    /// The command that does; a status of 0 is a pass.
    pub command: Command,
}

/// Tests counted over several runs of cargo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

/// All checks, the tests last; `has_kvm` if KVM can be used here.
pub fn all(has_kvm: bool) -> Vec<Check> {
    let mut documentation = cargo("documentation", &["doc", "--workspace", "--no-deps", "--quiet"]);
    documentation.command.env("RUSTDOCFLAGS", "--deny warnings");
    let mut checks = vec![
        cargo("formatting", &["fmt", "--all", "--check"]),
        cargo(
            "lints",
            &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"],
        ),
        guest_lints(),
        cargo("formatting of the fuzz targets", &["fmt", "--check", "--manifest-path", FUZZ]),
        fuzz_lints(),
        cargo(
            "formatting of the example of embedding",
            &["fmt", "--all", "--check", "--manifest-path", EMBEDDING],
        ),
        documentation,
    ];
    let mut tests = cargo("tests", &["test", "--workspace", "--no-fail-fast"]);
    // A backend that is named and missing is a failure, not a skip.
    tests.command.env(BACKENDS, if has_kvm { "kvm,qemu-kvm,qemu-tcg" } else { "qemu-tcg" });
    checks.push(tests);
    if has_kvm {
        let tests = cargo("tests with KVM hidden", &["test", "--package", "e2e"]);
        let mut tests = without_kvm(&tests, geteuid().is_root());
        tests.command.env(BACKENDS, "qemu-tcg");
        checks.push(tests);
    }
    checks
}

/// The lints once more for what only images are made of.
fn guest_lints() -> Check {
    let target = launcher::checkout().join("target/guest");
    let mut check = cargo(
        "lints of the guest",
        &["clippy", "--package", RUNTIME_PACKAGE, "--quiet", "--target", TARGET],
    );
    check.command.arg("--target-dir").arg(target).args(["--", "--deny", "warnings"]);
    check.command.env("CARGO_ENCODED_RUSTFLAGS", GUEST_CFG.join("\x1f"));
    check
}

/// The lints once more for what only fuzz targets are made of.
fn fuzz_lints() -> Check {
    let mut check = cargo(
        "lints of the fuzz targets",
        &["clippy", "--quiet", "--manifest-path", FUZZ, "--target-dir", "target/fuzz"],
    );
    check.command.args(["--", "--deny", "warnings"]);
    check.command.env("CARGO_ENCODED_RUSTFLAGS", "--cfg=fuzzing");
    // Nothing is linked here, so that the fuzzer itself, in C++, need not be compiled.
    check.command.env("CUSTOM_LIBFUZZER_PATH", "./libfuzzer.a");
    check
}

/// What `.cargo/deny.toml` asks for, advisories included, which change without the project; or what
/// is missing for that.
pub fn advisories() -> Result<Check, &'static str> {
    if find::program("cargo-deny").is_none() {
        return Err("there is no cargo-deny: `cargo install cargo-deny --locked`");
    }
    if !has_advisories().unwrap_or(false) {
        return Err("cargo-deny has no database here: `cargo deny fetch`");
    }
    Ok(cargo("advisories", &["deny", "--offline", "check"]))
}

/// Whether cargo-deny has fetched a database, of which an attempt leaves the folder around it.
fn has_advisories() -> Option<bool> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let mut databases = std::fs::read_dir(home.join("advisory-dbs")).ok()?.flatten();
    Some(databases.any(|entry| entry.path().is_dir()))
}

fn cargo(name: &'static str, arguments: &[&str]) -> Check {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(launcher::checkout());
    Check { name, command }
}

/// The same check where `/dev/kvm` is covered by a device that is not KVM.
fn without_kvm(check: &Check, is_root: bool) -> Check {
    const HIDE: &str = "mount --bind /dev/null /dev/kvm && exec \"$@\"";
    let mut command = Command::new("unshare");
    // Others than root need a user namespace around the mount namespace.
    command.args(if is_root { &[][..] } else { &["--map-root-user"] });
    command.args(["--mount", "sh", "-c", HIDE, "sh"]);
    command.arg(check.command.get_program()).args(check.command.get_args());
    command.current_dir(launcher::checkout());
    Check { name: check.name, command }
}

/// Runs a check, passing on what it prints; whether it passed.
pub fn run(command: &mut Command, tally: &mut Tally) -> io::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("STDOUT is not a pipe"))?;
    for line in BufReader::new(output).split(b'\n') {
        // A test may print any bytes.
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        tally.count(&line);
        results::line(line);
    }
    Ok(child.wait()?.success())
}

impl Tally {
    /// Counts a line like `test result: ok. 13 passed; 0 failed; 0 ignored; …`.
    fn count(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let number = |what: &str| {
            let (before, _) = result.split_once(what)?;
            before.rsplit([' ', ';']).find(|word| !word.is_empty())?.parse::<u64>().ok()
        };
        self.passed += number(" passed").unwrap_or(0);
        self.failed += number(" failed").unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_nothing_else_is() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 13 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 200 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out",
            "it says: 99 passed",
        ] {
            tally.count(line);
        }
        assert_eq!(tally, Tally { passed: 213, failed: 2 });
    }

    #[test]
    fn without_kvm_there_is_nothing_to_hide() {
        assert_eq!(all(true).len(), all(false).len() + 1);
    }

    #[test]
    fn kvm_is_hidden_in_a_namespace_that_the_caller_may_make() {
        let words = |is_root| {
            let check = without_kvm(&cargo("tests", &["test"]), is_root);
            let words = check.command.get_args().map(|word| word.to_string_lossy().into_owned());
            words.collect::<Vec<_>>()
        };
        assert_eq!(words(true)[..2], ["--mount", "sh"]);
        assert_eq!(words(false)[..3], ["--map-root-user", "--mount", "sh"]);
        assert_eq!(words(true).last().map(String::as_str), Some("test"));
    }

    #[test]
    fn bytes_that_are_not_text_are_passed_over() {
        let mut command = Command::new("printf");
        command.arg(r"\377\ntest result: ok. 1 passed; 0 failed;\n");
        let mut tally = Tally::default();
        assert!(run(&mut command, &mut tally).expect("a run"));
        assert_eq!(tally, Tally { passed: 1, failed: 0 });
    }
}
