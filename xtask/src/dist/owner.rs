//! Whose a folder is: only one that `dist` made, and that nobody has changed since, may be replaced.
//!
//! A list of checksums alone says nothing, since many programs write one. Each folder in a release is that
//! of a function, with a manifest of our schema, or the layout of container images. Nothing is read but
//! regular files of a length that there can be: another user may have put anything there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use ampoule_boot::artifact::sums::{self, Sums};
use ampoule_boot::artifact::{MANIFEST, SUMS, SUMS_ENVELOPE, manifest, tree};
use ampoule_boot::digest::Digest;
use serde::Deserialize;

use super::container;

/// The first thing in a folder that `dist` has not put there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Other {
    /// What no release has beside its functions.
    #[error("holds {0:?}, which is no folder of a function with a {MANIFEST}")]
    NoFunction(String),
    /// A file that is not listed.
    #[error("holds {0:?}, which its {SUMS} does not list")]
    Unlisted(String),
    /// A file with other bytes.
    #[error("holds {0:?}, which is not what its {SUMS} says")]
    Changed(String),
}

/// What makes a manifest one of ours.
#[derive(Deserialize)]
struct Mark {
    schema: String,
    name: String,
}

/// What in a folder is somebody else's, if anything is.
pub fn other(folder: &Path) -> io::Result<Option<Other>> {
    let text = tree::read(&folder.join(SUMS)).unwrap_or_default();
    let listed = str::from_utf8(&text).ok().and_then(|text| sums::read(text).ok());
    let listed = listed.unwrap_or_default();
    let mut functions = 0;
    for (name, kind) in entries(folder)? {
        let shown = name.to_string_lossy();
        match () {
            () if kind.is_file() && [SUMS, SUMS_ENVELOPE].contains(&&*shown) => continue,
            () if kind.is_dir() && is_function(folder, &shown) => functions += 1,
            () if kind.is_dir() && shown == container::FOLDER => {}
            () => return Ok(Some(Other::NoFunction(shown.into()))),
        }
        let found = other_below(&folder.join(&name), &shown, &listed)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let first = entries(folder)?.into_keys().next();
    let first = first.filter(|_| functions == 0);
    Ok(first.map(|name| Other::NoFunction(name.to_string_lossy().into())))
}

fn is_function(folder: &Path, name: &str) -> bool {
    let text = tree::read(&folder.join(name).join(MANIFEST)).unwrap_or_default();
    serde_json::from_slice(&text)
        .is_ok_and(|mark: Mark| mark.schema == manifest::SCHEMA && mark.name == name)
}

fn other_below(folder: &Path, prefix: &str, listed: &Sums) -> io::Result<Option<Other>> {
    for (name, kind) in entries(folder)? {
        let (path, inner) = (folder.join(&name), format!("{prefix}/{}", name.to_string_lossy()));
        let found = match listed.get(&inner) {
            _ if kind.is_dir() => other_below(&path, &inner, listed)?,
            None => Some(Other::Unlisted(inner)),
            Some(digest) if kind.is_file() && digest_of(&path)? == *digest => None,
            Some(_) => Some(Other::Changed(inner)),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    tree::digest(path).map_err(io::Error::other)
}

fn entries(folder: &Path) -> io::Result<BTreeMap<OsString, FileType>> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?))
    };
    fs::read_dir(folder)?.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a folder of these files, by their paths, with a list of all.
    #[track_caller]
    fn told(files: &[(&str, &str)]) -> Option<Other> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut listed = Sums::new();
        for (path, content) in files {
            let place = folder.path().join(path);
            fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            fs::write(place, content).expect("written");
            listed.insert((*path).to_owned(), Digest::of(content.as_bytes()));
        }
        fs::write(folder.path().join(SUMS), sums::write(&listed)).expect("written");
        other(folder.path()).expect("read")
    }

    #[test]
    fn a_list_of_checksums_makes_no_release() {
        let manifest = r#"{"schema":"ampoule/manifest/1","name":"wc"}"#;
        assert_eq!(told(&[("wc/manifest.json", manifest), ("oci/index.json", "{}")]), None);
        let no_function = |name: &str| Some(Other::NoFunction(name.to_owned()));
        assert_eq!(told(&[]), no_function(SUMS));
        assert_eq!(told(&[("debian.iso", "x")]), no_function("debian.iso"));
        assert_eq!(told(&[("wc/manifest.json", manifest), ("mine", "x")]), no_function("mine"));
        for other in [r#"{"name":"wc"}"#, "{}", &manifest.replace("/1", "/0")] {
            assert_eq!(told(&[("wc/manifest.json", other)]), no_function("wc"), "{other}");
        }
        assert_eq!(told(&[("grep/manifest.json", manifest)]), no_function("grep"));
        assert_eq!(told(&[("oci/index.json", "{}")]), no_function(SUMS));
    }

    #[test]
    fn what_is_no_file_is_neither_waited_for_nor_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("wc")).expect("made");
        rustix::fs::mkfifoat(rustix::fs::CWD, path(SUMS), rustix::fs::Mode::RUSR).expect("made");
        let found = other(folder.path()).expect("looked at");
        assert_eq!(found, Some(Other::NoFunction(SUMS.to_owned())));
        fs::remove_file(path(SUMS)).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", path("wc/manifest.json")).expect("made");
        let found = other(folder.path()).expect("looked at");
        assert_eq!(found, Some(Other::NoFunction("wc".to_owned())));
    }
}
