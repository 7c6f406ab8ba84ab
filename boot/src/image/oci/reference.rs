//! How an image in a layout is named: `oci:PATH`, `oci:PATH:NAME`, `oci:PATH@sha256:…`, or all of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

const SCHEME: &[u8] = b"oci:";

/// The name of an image in an OCI layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The layout's folder, or an archive of it.
    pub path: PathBuf,
    /// The image's name in the layout's index (`org.opencontainers.image.ref.name`).
    pub name: Option<String>,
    /// The digest that the image's manifest must have, `sha256:…`.
    pub digest: Option<String>,
}

/// A text that begins with `oci:` and names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no path.
    #[error("{0:?} names no folder and no archive: write oci:PATH or oci:PATH:NAME")]
    NoPath(String),
    /// What follows the path is no name.
    #[error("{0:?} has no name after the colon: write oci:PATH or oci:PATH:NAME")]
    NoName(String),
    /// What follows `@` is no digest.
    #[error("{0:?} does not end in a digest: write @sha256: and 64 digits of 0-9 and a-f")]
    NoDigest(String),
}

impl Reference {
    /// Reads `text`; `None` if it does not begin with `oci:`, and so names a file.
    pub fn parse(text: &Path) -> Option<Result<Self, ReferenceError>> {
        let rest = text.as_os_str().as_bytes().strip_prefix(SCHEME)?;
        Some(Self::of(rest, &text.to_string_lossy()))
    }

    fn of(rest: &[u8], shown: &str) -> Result<Self, ReferenceError> {
        // Folders may have it in their names.
        let is_path = |behind: &[u8]| behind.contains(&b'/') && !behind.starts_with(b"sha256:");
        let at = rest.iter().rposition(|&byte| byte == b'@');
        let (rest, digest) = match at.filter(|at| !is_path(&rest[at + 1..])) {
            None => (rest, None),
            Some(at) => {
                let digest = std::str::from_utf8(&rest[at + 1..]).ok().and_then(Digest::parse);
                let digest = digest.ok_or_else(|| ReferenceError::NoDigest(shown.to_owned()))?;
                (&rest[..at], Some(digest.to_string()))
            }
        };
        // As other tools have it: a path ends at the first colon.
        let (path, name) = match rest.iter().position(|&byte| byte == b':') {
            None => (rest, None),
            Some(at) => {
                let name = std::str::from_utf8(&rest[at + 1..]).ok().filter(|it| !it.is_empty());
                let name = name.ok_or_else(|| ReferenceError::NoName(shown.to_owned()))?;
                (&rest[..at], Some(name.to_owned()))
            }
        };
        if path.is_empty() {
            return Err(ReferenceError::NoPath(shown.to_owned()));
        }
        Ok(Self { path: OsStr::from_bytes(path).into(), name, digest })
    }

    /// What is looked for in an index.
    pub(super) fn wanted(&self) -> String {
        self.name.clone().or_else(|| self.digest.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Result<Reference, ReferenceError>> {
        Reference::parse(Path::new(text))
    }

    #[test]
    fn a_path_a_name_and_a_digest_are_told_apart() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        let of = |path: &str, name: Option<&str>, digest: Option<&str>| Reference {
            path: path.into(),
            name: name.map(str::to_owned),
            digest: digest.map(str::to_owned),
        };
        for (text, expected) in [
            ("oci:a".to_owned(), of("a", None, None)),
            ("oci:/a/b.tar:wc".to_owned(), of("/a/b.tar", Some("wc"), None)),
            ("oci:a:x/y:1.0".to_owned(), of("a", Some("x/y:1.0"), None)),
            (format!("oci:a@{digest}"), of("a", None, Some(&digest))),
            ("oci:a@b/c".to_owned(), of("a@b/c", None, None)),
            ("oci:a@b/c:wc".to_owned(), of("a@b/c", Some("wc"), None)),
            (format!("oci:a@b/c@{digest}"), of("a@b/c", None, Some(&digest))),
            (format!("oci:a:wc@{digest}"), of("a", Some("wc"), Some(&digest))),
        ] {
            assert_eq!(parse(&text), Some(Ok(expected)), "{text}");
        }
        for text in ["a", "./oci:a", "ocia", "OCI:a", "/oci:a"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("oci:"), Some(Err(ReferenceError::NoPath("oci:".into()))));
        assert_eq!(parse("oci::a"), Some(Err(ReferenceError::NoPath("oci::a".into()))));
        assert_eq!(parse("oci:a:"), Some(Err(ReferenceError::NoName("oci:a:".into()))));
        for text in ["oci:a@", "oci:a@sha256:0f", "oci:a@sha512:0f", "oci:a/b@sha256:0f/c"] {
            assert_eq!(parse(text), Some(Err(ReferenceError::NoDigest(text.into()))));
        }
    }
}
