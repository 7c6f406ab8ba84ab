//! The launcher `ampoule`: built from the checkout that this program was built from, and put where
//! people find it, `target/ampoule`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::publish::{advice, temporary};
use crate::static_program::{self, Program};

const LAUNCHER: Program = Program::released("ampoule-boot", "--bin", "ampoule");

/// Why there is no launcher.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Cargo could not be started or read.
    #[error("cargo could not be run to build the launcher")]
    Cargo(#[from] io::Error),
    /// Cargo reported errors, which have been shown.
    #[error("the launcher does not compile; its source is {}/boot{hint}", checkout.display())]
    Failed {
        /// The folder of the workspace.
        checkout: PathBuf,
        /// What may help.
        hint: String,
    },
    /// It was built but could not be put where it belongs.
    #[error("the launcher cannot be put at {}: {why}{}", place.display(), advice(why))]
    Place {
        /// Where it belongs.
        place: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// Builds the launcher, which takes no time if it is there, and returns its path.
pub fn build(console: Console) -> Result<PathBuf, LauncherError> {
    let target = static_program::best_target();
    let built = static_program::build(LAUNCHER, target, console)?.ok_or_else(|| {
        LauncherError::Failed { checkout: checkout().into(), hint: static_program::hint(target) }
    })?;
    let place = place_of(&built, target);
    put(&built, &place).map_err(|why| LauncherError::Place { place: place.clone(), why })?;
    Ok(place)
}

/// Where the launcher belongs: beside the folder of the target that cargo has built it in.
fn place_of(built: &Path, target: &str) -> PathBuf {
    let folder = built.ancestors().find(|folder| folder.ends_with(target)).and_then(Path::parent);
    folder.map_or_else(|| built.to_owned(), |folder| folder.join(LAUNCHER.name))
}

/// Makes `place` the file `built`, at once: whoever starts it gets the old one or the new one.
fn put(built: &Path, place: &Path) -> io::Result<()> {
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    if identity(place).is_ok_and(|there| identity(built).is_ok_and(|new| there == new)) {
        return Ok(());
    }
    let folder = place.parent().unwrap_or(Path::new("."));
    let link = |path: &Path| fs::hard_link(built, path);
    match tempfile::Builder::new().prefix(".unfinished-").make_in(folder, link) {
        // The temporary name is removed afterwards: renaming leaves it if somebody else was
        // quicker to put the same file there.
        Ok(linked) => fs::rename(linked.path(), place),
        Err(_) => copy(built, folder, place),
    }
}

/// The same across file systems, and where files have one name each.
fn copy(built: &Path, folder: &Path, place: &Path) -> io::Result<()> {
    let mut file = File::open(built)?;
    let mut copied = temporary(folder, file.metadata()?.permissions().mode() & 0o777)?;
    io::copy(&mut file, copied.as_file_mut())?;
    copied.persist(place)?;
    Ok(())
}

/// The folder of this project's workspace.
pub fn checkout() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::static_program::MUSL;

    #[test]
    fn its_place_is_beside_what_cargo_builds() {
        let built = "/p/target/x86_64-unknown-linux-musl/release/ampoule";
        assert_eq!(place_of(built.as_ref(), MUSL), Path::new("/p/target/ampoule"));
        assert_eq!(place_of("/elsewhere/ampoule".as_ref(), MUSL), Path::new("/elsewhere/ampoule"));
    }

    #[test]
    fn it_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (built, place) = (folder.path().join("built"), folder.path().join("ampoule"));
        for content in ["one", "two"] {
            let _ = fs::remove_file(&built);
            fs::write(&built, content).expect("written");
            put(&built, &place).expect("put");
            put(&built, &place).expect("it is there already");
            assert_eq!(fs::read_to_string(&place).expect("a file"), content);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
        assert!(put(&built, &folder.path().join("no/such/folder")).is_err());
    }
}
