//! The checks that `ci` makes, and the count of what the tests among them say.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::launcher;

/// One check.
#[derive(Debug)]
pub struct Check {
    /// What it checks.
    pub name: String,
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
    let mut checks = vec![
        cargo("formatting", &["fmt", "--all", "--check"]),
        cargo(
            "lints",
            &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"],
        ),
        cargo("documentation", &["doc", "--workspace", "--no-deps", "--quiet"]),
        cargo("tests", &["test", "--workspace", "--no-fail-fast"]),
    ];
    checks[2].command.env("RUSTDOCFLAGS", "--deny warnings");
    if has_kvm {
        checks.push(without_kvm(&["test", "--package", "e2e"]));
    }
    checks
}

fn cargo(name: &str, arguments: &[&str]) -> Check {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(launcher::checkout());
    Check { name: name.to_owned(), command }
}

/// Runs cargo where `/dev/kvm` is covered by a device that is not KVM.
fn without_kvm(arguments: &[&str]) -> Check {
    const HIDE: &str = "mount --bind /dev/null /dev/kvm && exec \"$@\"";
    let cargo = cargo("tests with KVM hidden", arguments).command;
    let mut command = Command::new("unshare");
    // Only root may make a mount namespace without a user namespace around it.
    command.arg(if geteuid().is_root() { "--mount" } else { "--map-root-user" }).arg("--mount");
    command.args(["sh", "-c", HIDE, "sh"]).arg(cargo.get_program()).args(cargo.get_args());
    command.current_dir(launcher::checkout());
    Check { name: "tests with KVM hidden".into(), command }
}

/// Runs a check, passing on what it prints; whether it passed.
pub fn run(command: &mut Command, tally: &mut Tally) -> io::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("STDOUT is not a pipe"))?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        tally.count(&line);
        anstream::println!("{line}");
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
}
