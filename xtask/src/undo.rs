//! Taking back what cargo and this program have begun to make, should it not be finished.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::publish::publish;

/// What was there before a package was to be made in a folder.
#[derive(Debug)]
pub struct Before {
    /// The outermost of the folders that were not there.
    missing: Option<PathBuf>,
    /// Manifests of the folders around, to one of which cargo adds a new package.
    manifests: Vec<(PathBuf, Vec<u8>)>,
}

impl Before {
    /// Looks at what is there.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let is_missing = |path: &&Path| {
            fs::symlink_metadata(path).is_err_and(|why| why.kind() == ErrorKind::NotFound)
        };
        let missing = folder.ancestors().take_while(is_missing).last().map(PathBuf::from);
        let around = folder.ancestors().skip(1).map(|folder| folder.join("Cargo.toml"));
        let manifests = around.filter_map(|path| fs::read(&path).ok().map(|text| (path, text)));
        Ok(Self { missing, manifests: manifests.collect() })
    }

    /// Removes what was not there, and puts manifests back that were changed.
    pub fn restore(self) -> io::Result<()> {
        if let Some(folder) = self.missing.filter(|folder| folder.exists()) {
            fs::remove_dir_all(folder)?;
        }
        for (path, text) in self.manifests {
            publish(&path, &text).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_there_goes_and_what_was_changed_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("Cargo.toml");
        fs::write(&manifest, "old").expect("written");
        let package = folder.path().join("functions/new");
        let before = Before::of(&package).expect("a look");
        fs::create_dir_all(package.join("src")).expect("made");
        fs::write(package.join("Cargo.toml"), "half").expect("written");
        fs::write(&manifest, "changed").expect("written");
        before.restore().expect("restored");
        assert_eq!(fs::read(&manifest).expect("a file"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn what_was_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("precious"), "x").expect("written");
        Before::of(folder.path()).expect("a look").restore().expect("nothing to do");
        assert!(folder.path().join("precious").exists());
    }
}
