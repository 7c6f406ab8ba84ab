//! What a folder of artifacts is to hold, before any of it is written.

use std::collections::BTreeMap;

use ampoule_boot::artifact::manifest;
use ampoule_boot::artifact::sums::{Sums, is_inside};
use ampoule_boot::digest::Digest;

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

impl Release {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, artifact: Artifact) {
        let path = path.into();
        assert!(is_inside(&path), "{path:?} is no path in a folder");
        let before = self.files.insert(path, artifact);
        assert!(before.is_none(), "a path is that of one file");
    }

    /// Adds all files of another in a new folder of this one.
    pub fn add_folder(&mut self, name: &str, folder: Release) {
        for (path, artifact) in folder.files {
            self.add(format!("{name}/{path}"), artifact);
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_by_their_path() {
        let (mut release, mut function) = (Release::default(), Release::default());
        function.add("wc.elf", Artifact::file("image"));
        function.add("wc", Artifact { mode: 0o755, bytes: b"bundle".into() });
        release.add_folder("wc", function);
        let paths: Vec<_> = release.files().map(|(path, file)| (path, file.mode)).collect();
        assert_eq!(paths, [("wc/wc", 0o755), ("wc/wc.elf", 0o644)]);
        let sums = release.sums();
        assert_eq!((sums["wc/wc.elf"], sums.len()), (Digest::of(b"image"), 2));
        let listed = release.listed();
        assert_eq!((listed[0].path.as_str(), listed[0].bytes), ("wc/wc", 6));
    }
}
