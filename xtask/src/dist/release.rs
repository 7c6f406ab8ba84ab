//! What a folder of artifacts is to hold, before any of it is written.

use std::collections::BTreeMap;

use ampoule_boot::artifact::digest::Digest;
use ampoule_boot::artifact::sums::{self, Sums, is_inside};
use ampoule_boot::artifact::{SUMS, manifest};

/// Readable by everyone; an image is booted, never executed.
const FILE_MODE: u32 = 0o644;

/// One file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its permissions, whatever the user's mask.
    pub mode: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file.
    pub fn file(bytes: impl Into<Vec<u8>>) -> Self {
        Self { mode: FILE_MODE, bytes: bytes.into() }
    }
}

/// Files by their path from the folder, in the order in which they are listed and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    files: BTreeMap<String, Artifact>,
}

/// Two folders of a release would be one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("two folders would be called {0:?}: give the function of that name another one")]
pub struct TakenError(String);

impl Release {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, artifact: Artifact) {
        let path = path.into();
        assert!(is_inside(&path), "{path:?} is no path in a folder");
        let before = self.files.insert(path, artifact);
        assert!(before.is_none(), "a path is that of one file");
    }

    /// Adds all files of another in a new folder of this one.
    pub fn add_folder(&mut self, name: &str, folder: Release) -> Result<(), TakenError> {
        let prefix = format!("{name}/");
        if self.files.keys().any(|path| path.starts_with(&prefix)) {
            return Err(TakenError(name.into()));
        }
        for (path, artifact) in folder.files {
            self.add(prefix.clone() + &path, artifact);
        }
        Ok(())
    }

    /// The files, by ascending path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Artifact)> {
        self.files.iter().map(|(path, artifact)| (path.as_str(), artifact))
    }

    /// Their digests.
    pub fn sums(&self) -> Sums {
        self.files().map(|(path, file)| (path.into(), Digest::of(&file.bytes))).collect()
    }

    /// The same as a manifest has it.
    pub fn listed(&self) -> Vec<manifest::File> {
        let listed = |(path, file): (&str, &Artifact)| manifest::File {
            path: path.into(),
            bytes: file.bytes.len() as u64,
            sha256: Digest::of(&file.bytes),
        };
        self.files().map(listed).collect()
    }

    /// Adds the list of all files with their digests; nothing is to be added after it.
    pub fn close(&mut self) {
        let sums = sums::write(&self.sums());
        self.add(SUMS, Artifact::file(sums));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_covers_every_other_file() {
        let (mut release, mut function) = (Release::default(), Release::default());
        function.add("wc.elf", Artifact::file("image"));
        function.add("wc", Artifact { mode: 0o755, bytes: b"bundle".into() });
        release.add_folder("wc", function.clone()).expect("it is the first");
        release.add_folder("wc", function).expect_err("it is the second");
        release.close();
        let paths: Vec<_> = release.files().map(|(path, file)| (path, file.mode)).collect();
        assert_eq!(paths, [(SUMS, 0o644), ("wc/wc", 0o755), ("wc/wc.elf", 0o644)]);
        let text = String::from_utf8(release.files[SUMS].bytes.clone()).expect("text");
        let listed = sums::read(&text).expect("sums");
        assert_eq!(listed["wc/wc.elf"], Digest::of(b"image"));
        assert_eq!(listed.len(), 2);
    }
}
