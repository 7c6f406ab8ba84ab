//! Putting finished files in place: whole or not at all, even if the machine stops, and only if they have
//! changed.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::geteuid;
use signal_hook::consts::SIGXFSZ;
use tempfile::{Builder, NamedTempFile};

use crate::unfinished;

/// Readable by everyone; an image is booted, never executed.
const MODE: u32 = 0o644;
/// Executable by everyone.
pub const EXECUTABLE: u32 = 0o755;

/// A file could not be put in place.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written: {why}{}", advice(why))]
pub struct PublishError {
    path: PathBuf,
    why: io::Error,
}

/// What to do where a file cannot be written, to follow the words of the system.
pub fn advice(why: &io::Error) -> &'static str {
    match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; make room there and run it again: what was there before is as it was"
        }
        ErrorKind::FileTooLarge => {
            "; allow larger files (`ulimit -f`): what was there before is as it was"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "; this user has to be able to write there: what was there before is as it was"
        }
        _ => "",
    }
}

/// Has a file that grows beyond the user's limit be an error, like a full disk, and not the end of this
/// process, which would leave it half written. Programs that are started are not concerned.
pub fn bear_limits() {
    // Where that fails, the limit is as it is for other programs.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// A file whose bytes are all written, under a temporary name, or found in place.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    /// `None` if the right bytes are there already.
    file: Option<NamedTempFile>,
}

/// Makes `path` hold `content`; says whether it had to be written.
pub fn publish(path: &Path, content: &[u8]) -> Result<bool, PublishError> {
    stage(path, content)?.put()
}

/// The same for a program.
pub fn publish_program(path: &Path, content: &[u8]) -> Result<bool, PublishError> {
    stage_as(EXECUTABLE, path, content)?.put()
}

/// Writes `content` under a temporary name beside `path`, which is removed unless it is put in place.
pub fn stage(path: &Path, content: &[u8]) -> Result<Staged, PublishError> {
    stage_as(MODE, path, content)
}

fn stage_as(mode: u32, path: &Path, content: &[u8]) -> Result<Staged, PublishError> {
    let file = write(mode, path, content).map_err(|why| PublishError { path: path.into(), why })?;
    Ok(Staged { path: path.into(), file })
}

impl Staged {
    /// Puts it in place; says whether it was not there.
    pub fn put(self) -> Result<bool, PublishError> {
        let Self { path, file } = self;
        let Some(file) = file else { return Ok(false) };
        match file.persist(&path) {
            Ok(_) => Ok(true),
            Err(error) => Err(PublishError { path, why: error.error }),
        }
    }
}

fn write(mode: u32, path: &Path, content: &[u8]) -> io::Result<Option<NamedTempFile>> {
    let is_alike = |found: fs::Metadata| {
        found.len() == content.len() as u64 && found.permissions().mode() & 0o111 == mode & 0o111
    };
    if fs::metadata(path).is_ok_and(is_alike) && fs::read(path)? == content {
        return Ok(None);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let prefix = unfinished::prefix(path);
    // Where nothing can be removed, it stays.
    for (left, _locked) in unfinished::left(folder, &prefix, geteuid()).unwrap_or_default() {
        let _ = fs::remove_file(left);
    }
    let mut file = claimed(folder, &prefix, mode)?;
    file.as_file_mut().write_all(content)?;
    file.as_file().sync_all()?;
    Ok(Some(file))
}

/// A temporary file that is not taken for one that was left, where files can be locked.
fn claimed(folder: &Path, prefix: &OsStr, mode: u32) -> io::Result<NamedTempFile> {
    loop {
        let file = named(folder, prefix, mode)?;
        // Until it was locked, it was nobody's, and another process may have removed it.
        if unfinished::claim(file.as_file(), file.path()).unwrap_or(true) {
            return Ok(file);
        }
    }
}

/// A file in `folder` that vanishes unless it is renamed; where there can be none, the error is the
/// system's own, without a name that says nothing to anybody.
pub fn temporary(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    named(folder, ".unfinished-".as_ref(), mode)
}

fn named(folder: &Path, prefix: &OsStr, mode: u32) -> io::Result<NamedTempFile> {
    let create =
        |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    Builder::new().prefix(prefix).make_in(folder, create)
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

    #[test]
    fn what_is_staged_and_not_put_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, "old").expect("written");
        drop(stage(&path, b"new").expect("staged"));
        assert_eq!(fs::read(&path).expect("the file"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        let alive = stage(&path, b"one").expect("staged");
        for name in [".unfinished-file-dead", ".unfinished-other-dead"] {
            fs::write(folder.path().join(name), "half").expect("written");
        }
        assert!(publish(&path, b"two").expect("written"));
        assert!(!folder.path().join(".unfinished-file-dead").exists());
        assert!(folder.path().join(".unfinished-other-dead").exists());
        assert!(alive.put().expect("it is still there"));
        assert_eq!(fs::read(&path).expect("the file"), b"one");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let why = io::Error::from(ErrorKind::StorageFull);
        let message = PublishError { path: "/p/wc.elf".into(), why }.to_string();
        assert!(message.starts_with("/p/wc.elf cannot be written: "), "{message}");
        assert!(message.contains("make room there"), "{message}");
    }
}
