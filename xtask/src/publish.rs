//! Putting finished files in place: whole or not at all, and only if they have changed.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::Builder;

/// Readable by everyone; an image is booted, never executed.
const MODE: u32 = 0o644;

/// A file could not be put in place.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written: {why}")]
pub struct PublishError {
    path: PathBuf,
    why: io::Error,
}

/// Makes `path` hold `content`; says whether it had to be written. The bytes are first written
/// under a temporary name beside it, which is removed if anything fails.
pub fn publish(path: &Path, content: &[u8]) -> Result<bool, PublishError> {
    write(path, content).map_err(|why| PublishError { path: path.into(), why })
}

fn write(path: &Path, content: &[u8]) -> io::Result<bool> {
    if fs::metadata(path).is_ok_and(|found| found.len() == content.len() as u64)
        && fs::read(path)? == content
    {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = Builder::new()
        .prefix(".unfinished-")
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/er/file");
        assert!(publish(&path, b"one").expect("written"));
        assert!(!publish(&path, b"one").expect("found the same"));
        assert!(publish(&path, b"two").expect("written again"));
        assert_eq!(fs::read(&path).expect("the file"), b"two");
        assert_eq!(fs::read_dir(folder.path().join("deep/er")).expect("the folder").count(), 1);
    }

    #[test]
    fn failure_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("taken")).expect("a folder in the way");
        assert!(publish(&folder.path().join("taken"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }
}
