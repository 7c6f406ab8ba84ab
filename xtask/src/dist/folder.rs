//! Putting a folder in place of another, whole or not at all.
//!
//! The new folder is made beside the old one under a name of its own, and is on the disk before the two
//! trade names in one step. Whoever makes it holds a lock on it, which the system lifts when a process
//! ends, however it ends: what lies unfinished and unlocked is nobody's, and the next to come removes it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, rename, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use super::owner::{self, Other};
use super::release::{Artifact, Release};
use crate::publish::advice;

/// How the name of an unfinished folder begins; that of the folder it is to be follows.
const UNFINISHED: &str = ".unfinished-";
/// How the name begins that an old folder has while its place is empty, where two folders cannot trade
/// names.
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

/// Whether [`put`] would refuse to replace the folder `place`.
pub fn check(place: &Path) -> Result<(), FolderError> {
    refuse_others(&real(place).map_err(at(place))?)
}

/// Makes the folder `place` hold the files of `release` and nothing else.
pub fn put(place: &Path, release: &Release) -> Result<(), FolderError> {
    let place = real(place).map_err(at(place))?;
    let parent = place.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(at(parent))?;
    clear(&place).map_err(at(&place))?;
    refuse_others(&place)?;
    let unfinished = Unfinished::beside(&place).map_err(at(&place))?;
    for (path, artifact) in release.files() {
        // The message has the name that the file would have had.
        write(unfinished.path(), path, artifact).map_err(at(&place.join(path)))?;
    }
    allow_all(unfinished.path()).map_err(at(&place))?;
    sync_folders(unfinished.path()).map_err(at(&place))?;
    trade(unfinished.path(), &place).map_err(at(&place))?;
    sync(parent).map_err(at(parent))
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
        let prefix = sibling_name(UNFINISHED, place) + "-";
        loop {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
            // Until it was locked, it was nobody's, and another process may have removed it.
            match lock(folder.path()) {
                Ok(Some(locked)) => return Ok(Self { folder, _locked: locked }),
                Ok(None) => {}
                Err(why) if why.kind() == ErrorKind::NotFound => {}
                Err(why) => return Err(why),
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Locks a folder, if nobody else has, and if it is still the one of that name.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let folder = File::open(path)?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        done => done?,
    }
    let (ours, there) = (folder.metadata()?, fs::symlink_metadata(path)?);
    Ok(Some(folder).filter(|_| (ours.dev(), ours.ino()) == (there.dev(), there.ino())))
}

fn sibling_name(prefix: &str, place: &Path) -> String {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    format!("{prefix}{name}")
}

/// Removes what processes that are gone have left unfinished, and puts back what one had put aside.
fn clear(place: &Path) -> io::Result<()> {
    let parent = place.parent().unwrap_or(Path::new("/"));
    restore(place)?;
    let prefix = sibling_name(UNFINISHED, place) + "-";
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_unfinished = entry.file_name().to_string_lossy().starts_with(&prefix);
        if is_unfinished && entry.file_type()?.is_dir() {
            remove_unless_locked(&entry.path())?;
        }
    }
    Ok(())
}

/// Puts back a folder that was put aside, unless another has taken its place. One that a running process
/// has put there is its own affair, and one that is not ours somebody else's.
fn restore(place: &Path) -> io::Result<()> {
    let previous = place.with_file_name(sibling_name(PREVIOUS, place));
    if !fs::symlink_metadata(&previous).is_ok_and(|found| found.is_dir()) {
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

fn remove_unless_locked(path: &Path) -> io::Result<()> {
    let removed = match lock(path) {
        Ok(Some(_locked)) => fs::remove_dir_all(path),
        Ok(None) => Ok(()),
        Err(why) => Err(why),
    };
    // Somebody else has come to the same end.
    removed.or_else(|why| if why.kind() == ErrorKind::NotFound { Ok(()) } else { Err(why) })
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

/// Has a finished folder take its place, and one that is there take that of the unfinished.
fn trade(finished: &Path, place: &Path) -> io::Result<()> {
    match renameat_with(CWD, finished, CWD, place, RenameFlags::EXCHANGE) {
        // There is nothing to trade with.
        Err(Errno::NOENT) => fs::rename(finished, place),
        // A file system that cannot, or a kernel.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => trade_by_steps(finished, place),
        done => Ok(done?),
    }
}

/// The same where two names cannot be traded at once: the old folder is put aside, from where it comes
/// back if the new one does not take its place.
fn trade_by_steps(finished: &Path, place: &Path) -> io::Result<()> {
    let aside = place.with_file_name(sibling_name(PREVIOUS, place));
    // While it is aside, nobody else is to take it for what a process has left.
    let Some(_locked) = lock(place)? else {
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
    fs::rename(&aside, finished)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ampoule_boot::artifact::SUMS;

    use super::*;

    /// The names beside a folder that were made to replace it, of the living and the dead.
    fn left_beside(place: &Path) -> BTreeSet<String> {
        let parent = place.parent().expect("it has one");
        let names = fs::read_dir(parent).expect("a folder");
        let names =
            names.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with('.')).collect()
    }

    fn release(content: &str) -> Release {
        let mut release = Release::default();
        release.add("wc/wc.elf", Artifact::file(content));
        release.add("wc/wc", Artifact { mode: 0o755, bytes: content.into() });
        let manifest = r#"{"schema":"ampoule/manifest/1","name":"wc"}"#;
        release.add("wc/manifest.json", Artifact::file(manifest));
        crate::dist::close(&mut release, None);
        release
    }

    #[track_caller]
    fn expect(place: &Path, content: &str) {
        let read = fs::read_to_string(place.join("wc/wc.elf")).expect("the file");
        assert_eq!(read, content);
        assert_eq!(left_beside(place), BTreeSet::new());
    }

    #[test]
    fn a_folder_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("deep/er/dist");
        for content in ["one", "two", "three"] {
            put(&place, &release(content)).expect("put");
            expect(&place, content);
        }
        let mode = |name| fs::metadata(place.join(name)).expect("it").mode() & 0o7777;
        assert_eq!(["", "wc", "wc/wc", "wc/wc.elf"].map(mode), [0o755, 0o755, 0o755, 0o644]);
    }

    #[test]
    fn a_folder_of_somebody_else_s_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("dist");
        put(&place, &release("one")).expect("put");
        fs::write(place.join("wc/precious"), "").expect("written");
        let error = put(&place, &release("two")).expect_err("it is not ours").to_string();
        assert!(error.contains("\"wc/precious\"") && error.contains("--out"), "{error}");
        expect(&place, "one");
        fs::remove_file(place.join("wc/precious")).expect("removed");
        fs::write(place.join("wc/wc"), "by hand").expect("written");
        let error = put(&place, &release("two")).expect_err("it was changed").to_string();
        assert!(error.contains("\"wc/wc\", which is not what its SHA256SUMS says"), "{error}");
        fs::write(place.join("wc/wc"), "one").expect("written");
        fs::remove_file(place.join(SUMS)).expect("removed");
        put(&place, &release("two")).expect_err("nothing says that it is ours");
    }

    #[test]
    fn an_empty_folder_and_a_link_to_one_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let (place, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::create_dir(&place).expect("made");
        std::os::unix::fs::symlink("real", &link).expect("made");
        put(&link, &release("one")).expect("put");
        expect(&place, "one");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    }

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_make_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("dist");
        let alive = Unfinished::beside(&place).expect("one");
        let dead = Unfinished::beside(&place).expect("another");
        // As if its process had ended.
        let Unfinished { folder: left, _locked } = dead;
        let path = left.keep();
        fs::write(path.join("half"), "").expect("written");
        drop(_locked);
        let other = folder.path().join(".unfinished-other-dist-1");
        fs::create_dir(&other).expect("that of another folder");
        put(&place, &release("one")).expect("put");
        assert!(alive.path().exists() && !path.exists() && other.exists());
    }

    #[test]
    fn without_a_trade_the_old_one_is_put_aside_and_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (place, new) = (folder.path().join("dist"), folder.path().join(".unfinished-dist-1"));
        put(&place, &release("one")).expect("put");
        trade_by_steps(&new, &place).expect_err("there is no new one");
        expect(&place, "one");
        put(&new, &release("two")).expect("put");
        trade_by_steps(&new, &place).expect("put");
        assert_eq!(fs::read_to_string(place.join("wc/wc")).expect("the file"), "two");
        assert_eq!(fs::read_to_string(new.join("wc/wc")).expect("the file"), "one");
        fs::remove_dir_all(&new).expect("removed");
        // As if the process had ended between the steps.
        fs::rename(&place, folder.path().join(".previous-dist")).expect("put aside");
        clear(&place).expect("cleared");
        expect(&place, "two");
    }

    #[test]
    fn what_is_aside_is_removed_only_if_nobody_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("dist");
        let (aside, new) = (folder.path().join(".previous-dist"), folder.path().join("new"));
        put(&place, &release("two")).expect("put");
        // That of a process that goes on.
        put(&aside, &release("one")).expect("put");
        let locked = lock(&aside).expect("locked").expect("nobody has");
        clear(&place).expect("cleared");
        assert!(aside.join("wc/wc").exists());
        drop(locked);
        clear(&place).expect("cleared");
        expect(&place, "two");
        // That of somebody who has called it that.
        fs::create_dir(&aside).expect("made");
        fs::write(aside.join("precious"), "").expect("written");
        put(&new, &release("three")).expect("put");
        put(&place, &release("two")).expect("put");
        let error = trade_by_steps(&new, &place).expect_err("it is in the way").to_string();
        assert!(error.contains(".previous-dist is in the way"), "{error}");
        fs::rename(&place, folder.path().join("elsewhere")).expect("moved");
        clear(&place).expect("cleared");
        assert!(aside.join("precious").exists() && !place.exists());
    }
}
