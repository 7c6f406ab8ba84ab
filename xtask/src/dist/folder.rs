//! Putting a folder in place of another, whole or not at all.
//!
//! The new folder is made beside the old one under a name of its own, and is on the disk before the two
//! trade names in one step. What a process that has ended left of it is removed by the next to come.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, rename, renameat_with};
use rustix::io::Errno;
use rustix::process::{Uid, geteuid};
use tempfile::TempDir;

use super::owner::{self, Other};
use super::release::{Artifact, Release};
use crate::publish::advice;
use crate::unfinished::{self, lock};

/// How the name begins that an old folder has while its place is empty, where two folders cannot trade
/// names; that of the place follows.
const PREVIOUS: &str = ".previous-";
/// Of folders, whatever the user's mask.
const FOLDER_MODE: u32 = 0o755;

/// Why a folder was not put in place.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something cannot be written, or be removed.
    #[error("{path} cannot be written: {why}{}", advice(why))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// The folder that is there is somebody else's.
    #[error(
        "{path} {other}: it is only replaced if all in it is as `dist` made it, so move it away or remove \
         it, or name another folder with --out"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        other: Other,
    },
}

/// An old folder that stays, since it got something of somebody else's while the new one was made.
#[derive(Debug, thiserror::Error)]
#[error("the folder that was there is kept as {path}, since it {what}")]
pub struct Kept {
    /// Where it is now.
    path: PathBuf,
    /// What is the matter with it.
    what: String,
}

/// Whether [`put`] would refuse to replace the folder `place`.
pub fn check(place: &Path) -> Result<(), FolderError> {
    refuse_others(&real(place).map_err(at(place))?)
}

/// Makes the folder `place` hold the files of `release` and nothing else; the old one, if it has to stay.
pub fn put(place: &Path, release: &Release) -> Result<Option<Kept>, FolderError> {
    let place = real(place).map_err(at(place))?;
    let parent = place.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(at(parent))?;
    clear(&place, geteuid()).map_err(at(&place))?;
    refuse_others(&place)?;
    let unfinished = Unfinished::beside(&place).map_err(at(&place))?;
    for (path, artifact) in release.files() {
        // The message has the name that the file would have had.
        write(unfinished.path(), path, artifact).map_err(at(&place.join(path)))?;
    }
    allow_all(unfinished.path()).map_err(at(&place))?;
    sync_folders(unfinished.path()).map_err(at(&place))?;
    let _old = trade(unfinished.path(), &place).map_err(at(&place))?;
    let synced = sync(parent);
    let kept = keep_others(unfinished, &place)?;
    synced.map_err(at(parent)).map(|()| kept)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |why| FolderError::Write { path: path.into(), why }
}

/// Where the folder really is, or would be: a link to it stays one.
fn real(place: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(place) {
        Err(why) if why.kind() == ErrorKind::NotFound => std::path::absolute(place),
        found => found,
    }
}

/// A folder that is being made; removed, with all that is in it, when this is dropped. After the
/// trade that is the old one.
struct Unfinished {
    folder: TempDir,
    /// Its lock lasts as long as this.
    _locked: File,
}

impl Unfinished {
    fn beside(place: &Path) -> io::Result<Self> {
        let parent = place.parent().unwrap_or(Path::new("/"));
        let prefix = unfinished::prefix(place);
        loop {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
            // Until it was locked, it was nobody's, and another process may have removed it.
            if let Some(locked) = lock(folder.path())? {
                return Ok(Self { folder, _locked: locked });
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Where a folder is while another takes its place.
fn aside(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!("{PREVIOUS}{name}"))
}

/// Removes what processes of `user` that are gone have left unfinished, and puts back what one had put
/// aside.
fn clear(place: &Path, user: Uid) -> io::Result<()> {
    let parent = place.parent().unwrap_or(Path::new("/"));
    restore(place, user)?;
    for (path, _locked) in unfinished::left(parent, &unfinished::prefix(place), user)? {
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Puts back a folder that was put aside, unless another has taken its place. One that a running process
/// has put there is its own affair, and one that is not ours somebody else's.
fn restore(place: &Path, user: Uid) -> io::Result<()> {
    let previous = aside(place);
    let is_ours = |found: fs::Metadata| found.is_dir() && unfinished::is_of(&found, user);
    if !fs::symlink_metadata(&previous).is_ok_and(is_ours) {
        return Ok(());
    }
    let Some(_locked) = lock(&previous)? else { return Ok(()) };
    if owner::other(&previous)?.is_some() {
        return Ok(());
    }
    match rename(&previous, place) {
        // Under the other name the next to come removes it, should this process end on the way.
        Err(Errno::EXIST | Errno::NOTEMPTY) => {
            fs::rename(&previous, Unfinished::beside(place)?.path())
        }
        done => Ok(done?),
    }
}

/// A folder may only be replaced if all that it holds was put there by this command.
fn refuse_others(place: &Path) -> Result<(), FolderError> {
    if fs::symlink_metadata(place).is_err_and(|why| why.kind() == ErrorKind::NotFound) {
        return Ok(());
    }
    match owner::other(place).map_err(at(place))? {
        None => Ok(()),
        Some(other) => Err(FolderError::NotOurs { path: place.into(), other }),
    }
}

fn write(folder: &Path, path: &str, artifact: &Artifact) -> io::Result<()> {
    let path = folder.join(path);
    let inner = path.parent().unwrap_or(folder).strip_prefix(folder).unwrap_or(Path::new(""));
    let mut made = folder.to_owned();
    for name in inner {
        made.push(name);
        match DirBuilder::new().mode(FOLDER_MODE).create(&made) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
            done => done.and_then(|()| allow_all(&made))?,
        }
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(artifact.mode).open(path)?;
    file.write_all(&artifact.bytes)?;
    file.set_permissions(Permissions::from_mode(artifact.mode))?;
    file.sync_all()
}

/// Gives a folder its permissions.
fn allow_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
}

/// Has the names in a folder, and in those below it, be on the disk.
fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Has a finished folder take its place, and one that is there take that of the unfinished: the lock of
/// that, which keeps it from being taken for what a process has left.
fn trade(finished: &Path, place: &Path) -> io::Result<Option<File>> {
    // One that another process holds it has just put there, and holds for no longer than it needs.
    let old = lock(place).unwrap_or(None);
    match renameat_with(CWD, finished, CWD, place, RenameFlags::EXCHANGE) {
        // There is nothing to trade with.
        Err(Errno::NOENT) => fs::rename(finished, place).map(|()| None),
        // A file system that cannot, or a kernel.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            drop(old);
            trade_by_steps(finished, place).map(Some)
        }
        done => Ok(done.map(|()| old)?),
    }
}

/// The same where two names cannot be traded at once: the old folder is put aside, from where it comes
/// back if the new one does not take its place.
fn trade_by_steps(finished: &Path, place: &Path) -> io::Result<File> {
    let aside = aside(place);
    // While it is aside, nobody else is to take it for what a process has left.
    let Some(locked) = lock(place)? else {
        let why = "another process is replacing it: try again";
        return Err(io::Error::new(ErrorKind::ResourceBusy, why));
    };
    match rename(place, &aside) {
        Err(Errno::EXIST | Errno::NOTEMPTY) => {
            let why = format!("{} is in the way: move it away", aside.display());
            return Err(io::Error::new(ErrorKind::AlreadyExists, why));
        }
        done => done?,
    }
    if let Err(why) = fs::rename(finished, place) {
        fs::rename(&aside, place)?;
        return Err(why);
    }
    fs::rename(&aside, finished)?;
    Ok(locked)
}

/// Removes the old folder, which has the unfinished one's name now, unless it is no more as it was when it
/// was looked at: then it gets a name under which it stays.
fn keep_others(old: Unfinished, place: &Path) -> Result<Option<Kept>, FolderError> {
    let what = match owner::other(old.path()) {
        Ok(None) => return Ok(None),
        Ok(Some(other)) => other.to_string(),
        // There was none.
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => format!("cannot be looked through: {why}"),
    };
    let old = old.folder.keep();
    let parent = place.parent().unwrap_or(Path::new("/"));
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let kept = tempfile::Builder::new().prefix(&format!("{name}.kept-")).tempdir_in(parent);
    let kept = kept.map_err(at(&old))?;
    fs::rename(&old, kept.path()).map_err(at(&old))?;
    Ok(Some(Kept { path: kept.keep(), what }))
}

#[cfg(test)]
mod tests;
