//! Why artifacts are not verified: the first difference, with the file and, where there are two, both
//! digests.

use std::io;
use std::path::{Path, PathBuf};

use super::super::dsse::EnvelopeError;
use super::super::{MANIFEST, SUMS};
use crate::digest::Digest;
use crate::foreign::cut;
use crate::image::OpenError;

/// The longest path of Linux (`PATH_MAX`).
const PATH_CHARACTERS: usize = 4096;

/// The first difference.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such file or folder.
    #[error(
        "there is nothing at {}: make it with `cargo xtask dist`, or check the path",
        shown(path)
    )]
    NotFound {
        /// The file or folder.
        path: PathBuf,
    },
    /// Something cannot be read.
    #[error("cannot read {}: {why}", shown(path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A folder of another kind.
    #[error(
        "{} holds neither {SUMS} nor {MANIFEST}: name a folder that `cargo xtask dist` made",
        shown(path)
    )]
    NoArtifacts {
        /// The folder.
        path: PathBuf,
    },
    /// Something other than a file or a folder.
    #[error(
        "{} is not a regular file with a name in UTF-8 (a link is none): artifacts are nothing else",
        shown(path)
    )]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// A folder that no list can name.
    #[error("{} is a folder without files, of which nothing can be said: remove it", shown(path))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A list of other things than functions.
    #[error(
        "{} lists nothing of a function: name a folder that `cargo xtask dist` made",
        shown(path)
    )]
    NoFunction {
        /// The list.
        path: PathBuf,
    },
    /// A file is not what was said of it, or is there and should not, or the other way round.
    #[error(
        "{} is not what {by} says: expected {}, found {}",
        shown(path),
        told(expected),
        told(found)
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// Where it is said what it is.
        by: &'static str,
        /// Its digest by that; `None` if it is not named there.
        expected: Option<Digest>,
        /// Its digest; `None` if there is no such file.
        found: Option<Digest>,
    },
    /// A file that others are checked with cannot be made sense of.
    #[error("{} ({found}) cannot be believed: {why}", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// What is wrong.
        why: String,
    },
    /// There is a key, and no signature.
    #[error(
        "{} is not there, and so nothing is signed: `cargo xtask dist --sign KEY` signs",
        shown(path)
    )]
    NotSigned {
        /// The envelope that is missing.
        path: PathBuf,
    },
    /// The signature is another's, or of other bytes.
    #[error("{} is not signed as asked: {why}", shown(path))]
    Signature {
        /// The envelope.
        path: PathBuf,
        /// What is wrong with it.
        why: EnvelopeError,
    },
    /// The image cannot be run.
    #[error(transparent)]
    Image(#[from] OpenError),
    /// The image says something else of itself than its manifest.
    #[error("{} says that its {what} is {found}, but {MANIFEST} says {expected}", shown(path))]
    Disagrees {
        /// The image.
        path: PathBuf,
        /// What they do not agree on.
        what: &'static str,
        /// What the manifest says.
        expected: String,
        /// What the image says.
        found: String,
    },
}

/// A path on a line of its own: a name may hold anything, such as what a terminal obeys, and one that
/// only a list has may be longer than any path.
fn shown(path: &Path) -> String {
    cut(&path.display().to_string(), PATH_CHARACTERS).escape_debug().to_string()
}

fn told(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
}
