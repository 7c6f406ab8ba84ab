//! What is being made under a name of its own, until it is whole and gets the one that it is to have.
//!
//! Whoever makes it holds a lock on it, which the system lifts when a process ends, however it ends: what
//! lies unfinished and unlocked is nobody's, and the next to come removes it, if the same user has left it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::Uid;

/// How the names begin that are to become the file or folder `place`; something random follows.
pub fn prefix(place: &Path) -> OsString {
    let mut prefix = OsString::from(".unfinished-");
    prefix.push(place.file_name().unwrap_or_default());
    prefix.push("-");
    prefix
}

/// Locks a file or folder, if nobody else has, and if it is still the one of that name.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(claim(&file, path)?.then_some(file)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// The same of one that is open.
pub fn claim(file: &File, path: &Path) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(false),
        done => done?,
    }
    let identity = |found: Metadata| (found.dev(), found.ino());
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(identity(there) == identity(file.metadata()?)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(false),
        Err(why) => Err(why),
    }
}

/// What `user` has left in `folder` under such names, each with its lock. Those of others are theirs, in a
/// folder that is everybody's, and what cannot be locked stays.
pub fn left(folder: &Path, prefix: &OsStr, user: Uid) -> io::Result<Vec<(PathBuf, File)>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_unfinished = name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        if is_unfinished
            && entry.metadata().is_ok_and(|found| is_of(&found, user))
            && let Ok(Some(locked)) = lock(&entry.path())
        {
            left.push((entry.path(), locked));
        }
    }
    Ok(left)
}

/// Whether it is a file or a folder, and `user` has made it.
pub fn is_of(found: &Metadata, user: Uid) -> bool {
    (found.is_file() || found.is_dir()) && found.uid() == user.as_raw()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustix::process::geteuid;

    use super::*;

    #[test]
    fn what_is_left_is_what_nobody_holds_and_no_other_user_s() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in [".unfinished-wc-dead", ".unfinished-wc-alive", ".unfinished-grep-dead", "wc"] {
            fs::write(path(name), "").expect("written");
        }
        fs::create_dir(path(".unfinished-wc-folder")).expect("made");
        std::os::unix::fs::symlink("wc", path(".unfinished-wc-link")).expect("made");
        let alive = lock(&path(".unfinished-wc-alive")).expect("locked").expect("nobody has");
        let prefix = prefix(&path("wc"));
        let found = |user| -> BTreeSet<PathBuf> {
            let left = left(folder.path(), &prefix, user).expect("read");
            left.into_iter().map(|(path, _)| path).collect()
        };
        let expected = [".unfinished-wc-dead", ".unfinished-wc-folder"].map(path);
        assert_eq!(found(geteuid()), BTreeSet::from(expected));
        assert_eq!(found(Uid::from_raw(geteuid().as_raw() ^ 1)), BTreeSet::new());
        drop(alive);
        assert_eq!(found(geteuid()).len(), 3);
    }

    #[test]
    fn what_has_lost_its_name_is_nobody_s_to_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let file = File::create(&path).expect("made");
        assert!(claim(&file, &path).expect("looked at"));
        fs::remove_file(&path).expect("removed");
        assert!(!claim(&file, &path).expect("looked at"));
        fs::write(&path, "").expect("written");
        assert!(!claim(&file, &path).expect("looked at"));
        assert!(lock(&folder.path().join("nothing")).expect("looked for").is_none());
    }
}
