//! The source that a project's images are made of, as git knows it, and what compiles it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use ampoule_boot::artifact::manifest::{Source, Toolchain};

use crate::console::{self, Console};
use crate::image::Profile;
use crate::image::compile::TARGET;
use crate::oci::LAST_SECOND;
use crate::rustc;

/// Says what time it is to be for whatever would tell the time of a build.
/// See <https://reproducible-builds.org/specs/source-date-epoch/>.
const SOURCE_DATE: &str = "SOURCE_DATE_EPOCH";

/// A time cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{SOURCE_DATE} is {0:?}, but must be a number of seconds since 1970, up to {LAST_SECOND}")]
pub struct DateError(String);

/// What a folder lies in; `None` outside of git, or without it. Where git refuses, a warning says so.
pub fn revision(folder: &Path, console: Console) -> Option<Source> {
    let source = || -> Result<_, String> {
        let commit = git(folder, &["rev-parse", "--verify", "HEAD"], console)?;
        let changes = git(folder, &["status", "--porcelain"], console)?;
        Ok(Source { commit, dirty: !changes.is_empty() })
    };
    source().map_err(|why| warn(folder, &why)).ok()
}

/// Says that there is a repository of which nothing can be told, if there is one.
fn warn(folder: &Path, why: &str) {
    if is_in_repository(folder) {
        let folder = folder.display();
        console::warning(format_args!(
            "{folder} lies in a git repository, but no source is named, since git says: {why}"
        ));
    }
}

fn is_in_repository(folder: &Path) -> bool {
    folder.ancestors().any(|folder| folder.join(".git").exists())
}

/// When the source was made, in RFC 3339: by the environment, or by git, or else 1970.
pub fn date(folder: &Path, console: Console) -> Result<String, DateError> {
    let seconds = match std::env::var_os(SOURCE_DATE) {
        Some(text) => seconds(&text.to_string_lossy())?,
        None => {
            let date = git(folder, &["log", "-1", "--format=%ct"], console);
            date.ok().and_then(|text| seconds(&text).ok()).unwrap_or(0)
        }
    };
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Ok(humantime::format_rfc3339_seconds(date).to_string())
}

fn seconds(text: &str) -> Result<u64, DateError> {
    let seconds = text.parse().ok().filter(|&seconds| seconds <= LAST_SECOND);
    seconds.ok_or_else(|| DateError(text.into()))
}

/// What git answers, or what it says is wrong.
fn git(folder: &Path, arguments: &[&str], console: Console) -> Result<String, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    console.command(&command);
    let output = command.output().map_err(|why| why.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// What compiles optimised images; `None` if there is no compiler.
pub fn toolchain() -> Option<Toolchain> {
    let answer = rustc::ask(&["-vV"])?;
    let host = answer.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(Toolchain {
        rustc: answer.lines().next()?.into(),
        host: host.into(),
        target: TARGET.into(),
        profile: Profile::Optimised.name().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_git_there_is_no_revision() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(revision(folder.path(), Console::new(false)), None);
        assert!(!is_in_repository(folder.path()));
    }

    #[test]
    fn where_git_refuses_it_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(".git"), "no repository").expect("written");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("made");
        assert!(is_in_repository(&inner));
        let why = git(&inner, &["rev-parse", "--verify", "HEAD"], Console::new(false));
        let why = why.expect_err("there is none");
        assert!(why.starts_with("fatal: ") && why.contains(".git"), "{why}");
        assert_eq!(revision(&inner, Console::new(false)), None);
    }

    #[test]
    fn a_revision_is_dirty_once_something_differs() {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, console) = (folder.path(), Console::new(false));
        let git = |arguments: &[&str]| git(folder, arguments, console).expect("git works");
        git(&["init", "--quiet"]);
        std::fs::write(folder.join("file"), "one").expect("written");
        git(&["add", "file"]);
        let author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        git(&[&author[..], &["commit", "--quiet", "--no-gpg-sign", "-m", "one"]].concat());
        let clean = revision(folder, console).expect("a revision");
        assert!(clean.commit.len() >= 40 && !clean.dirty, "{clean:?}");
        std::fs::write(folder.join("file"), "two").expect("written");
        let dirty = revision(folder, console).expect("a revision");
        assert_eq!((dirty.commit, dirty.dirty), (clean.commit, true));
    }

    #[test]
    fn a_date_is_a_number_of_seconds() {
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("253402300799"), Ok(LAST_SECOND));
        for text in ["", "-1", "253402300800", "2026-01-01"] {
            assert_eq!(seconds(text), Err(DateError(text.into())));
        }
    }

    #[test]
    fn the_toolchain_is_that_of_cargo() {
        let toolchain = toolchain().expect("there is a compiler");
        assert!(toolchain.rustc.starts_with("rustc 1."), "{toolchain:?}");
        assert!(toolchain.host.contains("linux"), "{toolchain:?}");
    }
}
