//! QEMU: there, and new enough.

use std::process::Command;

use super::{Check, State, numbers};

/// The program that boots images.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// The Debian package that holds it.
pub const PACKAGE: &str = "qemu-system-x86";

/// Older ones are not tested.
const NEEDED: &str = "7.0";

/// Checks QEMU.
pub fn examine() -> Check {
    match Command::new(PROGRAM).arg("--version").output() {
        Ok(output) => judge(&String::from_utf8_lossy(&output.stdout)),
        Err(error) => Check::bad("qemu", State::Missing, format!("{PROGRAM}: {error}"), remedy()),
    }
}

fn judge(output: &str) -> Check {
    let line = output.lines().next().unwrap_or_default();
    let version = line.split_once(" version ").map_or("", |(_, version)| version);
    if numbers(version) >= numbers(NEEDED) {
        return Check::good("qemu", line);
    }
    let found = if line.is_empty() { "does not tell its version" } else { line };
    Check::bad("qemu", State::Missing, found, format!("{NEEDED} or newer is needed: {}", remedy()))
}

fn remedy() -> String {
    format!("`cargo xtask setup` installs it (Debian package {PACKAGE})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_and_judged() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright";
        assert_eq!(judge(debian).state, State::Good);
        assert_eq!(judge("QEMU emulator version 6.2.0").state, State::Missing);
        assert_eq!(judge("").state, State::Missing);
    }
}
