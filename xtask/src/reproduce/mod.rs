//! Whether a function's image comes out the same elsewhere: it is built again from a copy of its sources,
//! in other surroundings, and both pairs of files are compared byte by byte.
//!
//! ```text
//! sources      copies the project and the packages that it takes from other folders
//! surroundings what is other for the second build, and what is not
//! difference   where two files part
//! ```

mod difference;
mod sources;
mod surroundings;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use ampoule_boot::digest::Digest;
use tempfile::TempDir;

use crate::console::Console;
use crate::image::{Built, Profile};
use crate::interruption::Interruption;
use crate::project::{Function, Project};
use crate::publish::{PublishError, publish};
use difference::Difference;
use surroundings::Surroundings;

/// Why it is not known, or known not to be so.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// The sources cannot be copied.
    #[error(transparent)]
    Sources(#[from] sources::SourcesError),
    /// A file or folder cannot be read or made.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// This process was told to end.
    #[error("interrupted")]
    Interrupted,
    /// The second build cannot be started.
    #[error("the second build cannot be started: {0}")]
    Start(io::Error),
    /// The second build failed where the first did not.
    #[error(
        "{name:?} does not build elsewhere, though it does here: its build depends on something that \
         was left out there ({varied})"
    )]
    Failed {
        /// The function.
        name: String,
        /// What was other.
        varied: String,
    },
    /// The files differ.
    #[error(transparent)]
    Differs(Box<Irreproducible>),
    /// The files cannot be kept.
    #[error(transparent)]
    Keep(#[from] PublishError),
}

/// Two files of one function that should be one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name:?} is not reproducible: its {what} differs first at {difference}\n  here      \
     {here}\n  elsewhere {elsewhere}\n  varied    {varied}\nboth are kept; to see more: \
     diffoscope {} {}",
    shown(&kept[0]), shown(&kept[1])
)]
pub struct Irreproducible {
    /// The function.
    name: String,
    /// Which of its two files.
    what: &'static str,
    /// Where.
    difference: Difference,
    /// The digest of the file that was built here.
    here: Digest,
    /// The digest of the one that was built elsewhere.
    elsewhere: Digest,
    /// What was other.
    varied: String,
    /// Where both are.
    kept: [PathBuf; 2],
}

/// A folder of temporary files, removed when this is dropped.
struct Elsewhere(TempDir);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        /// A process that was killed may add one more file while its folder is being removed.
        const ATTEMPTS: u32 = 10;
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(self.0.path()) {
                Err(why) if why.kind() == ErrorKind::DirectoryNotEmpty => {}
                _ => break,
            }
        }
    }
}

/// Builds `function` again elsewhere, and compares what comes out with what was `built` here. Nothing is
/// left there if a signal comes that is put off.
pub fn verify(
    project: &Project,
    function: &Function,
    profile: Profile,
    built: &Built,
    interruption: &mut Interruption,
    console: Console,
) -> Result<(), ReproduceError> {
    let elsewhere =
        TempDir::with_prefix("ampoule-elsewhere-").map_err(at(&std::env::temp_dir()))?;
    let elsewhere = Elsewhere(elsewhere);
    let folder = elsewhere.0.path();
    let manifest = sources::copy(project, function, folder, console)?;
    let surroundings = Surroundings::in_folder(folder)?;
    let varied = surroundings.varied();
    console.status("Again", format_args!("{} with {varied}", function.name));
    console.status("Not varied", surroundings::UNVARIED);
    let out = folder.join("out");
    let mut command = surroundings.command(function, profile, &manifest, &out)?;
    console.command(&command);
    match interruption.run(&mut command).map_err(ReproduceError::Start)? {
        None => return Err(ReproduceError::Interrupted),
        Some(status) if status.success() => {}
        Some(_) => return Err(ReproduceError::Failed { name: function.name.clone(), varied }),
    }
    let other = |extension| out.join(&function.name).with_extension(extension);
    let (image, twin) = (other("elf"), other("debug"));
    let pairs = [("image", &built.path, &image), ("twin", &built.debug_path, &twin)];
    for (what, here, there) in pairs {
        let bytes = [read(here)?, read(there)?];
        let [ours, theirs] = &bytes;
        let Some(difference) = difference::first(ours, theirs) else { continue };
        let kept = keep(project, function, &pairs, what)?;
        return Err(ReproduceError::Differs(Box::new(Irreproducible {
            name: function.name.clone(),
            what,
            difference,
            here: Digest::of(ours),
            elsewhere: Digest::of(theirs),
            varied,
            kept,
        })));
    }
    console.status("Reproduced", format_args!("{}: image and twin are the same", function.name));
    Ok(())
}

/// Puts all four files where they stay; the paths of those that were `asked` for.
fn keep(
    project: &Project,
    function: &Function,
    pairs: &[(&str, &PathBuf, &PathBuf)],
    asked: &str,
) -> Result<[PathBuf; 2], ReproduceError> {
    let folder = project.target.join("irreproducible").join(&function.name);
    let mut kept = [PathBuf::new(), PathBuf::new()];
    for (what, here, there) in pairs {
        for (index, (place, file)) in [("here", here), ("elsewhere", there)].iter().enumerate() {
            let path = folder.join(place).join(file.file_name().unwrap_or_default());
            publish(&path, &read(file)?)?;
            if *what == asked {
                kept[index] = path;
            }
        }
    }
    Ok(kept)
}

fn read(path: &Path) -> Result<Vec<u8>, ReproduceError> {
    fs::read(path).map_err(at(path))
}

/// A path as a shell takes it.
fn shown(path: &Path) -> String {
    shell_words::quote(&path.display().to_string()).into_owned()
}

fn at(path: &Path) -> impl Fn(io::Error) -> ReproduceError {
    move |why| ReproduceError::File { path: path.into(), why }
}
