//! What this machine needs in order to build and run functions, and whether it has it.
//!
//! Each check is a question with an answer and, where the answer is no, a remedy.

pub mod jail;
pub mod kvm;
pub mod qemu;
pub mod toolchain;

use serde::Serialize;

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// The answer.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

/// The answer of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// Things work, but not as well as they could.
    Weak,
    /// Things do not work.
    Missing,
}

impl Check {
    /// All is well.
    pub fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Good, found: found.into(), remedy: None }
    }

    /// All is not well.
    pub fn bad(
        name: &'static str,
        state: State,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { name, state, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// Runs every check.
pub fn examine() -> Vec<Check> {
    let mut checks = toolchain::examine();
    checks.push(qemu::examine());
    checks.push(kvm::examine());
    checks.push(jail::examine());
    checks
}

/// Reads a version such as `7.2.9` as numbers, for comparison.
fn numbers(version: &str) -> Vec<u32> {
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    };
    version.split('.').map_while(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("10.0.2") > numbers("7.2"));
        assert!(numbers("1.90.0-nightly") >= numbers("1.90"));
        assert!(numbers("none").is_empty());
    }
}
