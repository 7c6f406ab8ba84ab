//! What the linker is given besides the compiled code: the runtime's linker script, the image's
//! note, and C libraries with nothing in them.
//!
//! Cargo looks at the arguments it passes on, not into the files they name. So each file carries a
//! digest of its content in its name, and a changed file means a new link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ampoule_boot::digest::Digest;

use super::note;
use crate::project::{Function, Project};
use crate::publish::{PublishError, advice, publish};

/// Path of the linker script in the runtime's folder.
pub const SCRIPT: &str = "src/guest/arch/x86_64/link.ld";

/// Crates such as `libc` name these though nothing of them may be used; an archive without members
/// satisfies them, and whatever is used all the same is reported as an undefined symbol.
const C_LIBRARIES: [&str; 8] = ["c", "m", "rt", "pthread", "util", "dl", "gcc_s", "gcc_eh"];
const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

/// Why the linker's input cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkInputError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] PublishError),
    /// A file cannot be read, or removed.
    #[error("{path}: {why}{}", advice(why))]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// The note cannot be made.
    #[error("the image's note cannot be written as an object file")]
    Note(#[from] object::write::Error),
}

/// Writes the linker's input for `function`, and returns the arguments that name it.
pub fn arguments(project: &Project, function: &Function) -> Result<Vec<String>, LinkInputError> {
    let shared = project.target.join("guest").join("link");
    let folder = shared.join(&function.name);
    let runtime = project.runtime.as_deref().unwrap_or(&project.root);
    let script_source = runtime.join(SCRIPT);
    let script = fs::read(&script_source).map_err(at(&script_source))?;
    let note = note::object_file(&note::describe(function))?;
    let script = write_named(&folder, "script", "ld", &script)?;
    let note = write_named(&folder, "note", "o", &note)?;
    for library in C_LIBRARIES {
        publish(&shared.join(format!("lib{library}.a")), EMPTY_ARCHIVE)?;
    }
    let shown = |path: &Path| relative(path, &project.root);
    Ok(vec![
        format!("--script={}", shown(&script)),
        shown(&note),
        format!("--library-path={}", shown(&shared)),
        format!("--defsym=__stack_bytes={:#x}", function.settings.stack_bytes),
        "--nostdlib".into(),
        "--no-eh-frame-hdr".into(),
        "--gc-sections".into(),
        // What the script does not place would be put anywhere, or be loaded and never used.
        "--orphan-handling=error".into(),
        "--build-id=sha1".into(),
        "-z".into(),
        "max-page-size=4096".into(),
    ])
}

/// The path as cargo's working folder sees it, so that two checkouts link the same bytes.
fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Writes `folder/STEM-DIGEST.EXTENSION` and removes the file of the same kind that came before.
fn write_named(
    folder: &Path,
    stem: &str,
    extension: &str,
    content: &[u8],
) -> Result<PathBuf, LinkInputError> {
    let digest = Digest::of(content).hexadecimal();
    let path = folder.join(format!("{stem}-{}.{extension}", &digest[..16]));
    publish(&path, content)?;
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let other = entry.map_err(at(folder))?.path();
        if other.extension() == path.extension() && other != path {
            fs::remove_file(&other).map_err(at(&other))?;
        }
    }
    Ok(path)
}

fn at(path: &Path) -> impl Fn(io::Error) -> LinkInputError {
    move |why| LinkInputError::File { path: path.into(), why }
}
