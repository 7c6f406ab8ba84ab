//! Why an image in an OCI layout is refused. A difference names the file and both digests.

use std::path::PathBuf;

use super::reference::ReferenceError;
use super::tar::TarError;
use crate::foreign::clip;
use crate::image::ImageError;
use crate::outcome::Reason;
use crate::units;

/// Why an image in an OCI layout cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The text names no image.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// There is no such folder or archive.
    #[error("there is no OCI layout at {}: make one with `cargo xtask dist --oci`, or check the \
        path", path.display())]
    NotFound {
        /// The folder or archive.
        path: PathBuf,
    },
    /// The index has no image of that name or digest.
    #[error("index.json of {} has no image {wanted:?}{}", path.display(), list(names))]
    NoSuchImage {
        /// The folder or archive.
        path: PathBuf,
        /// The name or digest.
        wanted: String,
        /// The names that there are.
        names: Vec<String>,
    },
    /// Several images are meant.
    #[error("index.json of {} has several images: name one of them, as in oci:{}:NAME{}",
        path.display(), path.display(), list(names))]
    Ambiguous {
        /// The folder or archive.
        path: PathBuf,
        /// The names that there are.
        names: Vec<String>,
    },
    /// Two images have that name.
    #[error("index.json of {} gives two images the name {name:?}: {first:?} and {second:?}: append \
        @ and the digest of the one that is meant", path.display())]
    SameName {
        /// The folder or archive.
        path: PathBuf,
        /// The name.
        name: String,
        /// The digests that it has in the index.
        first: String,
        /// The other one.
        second: String,
    },
    /// The image of that name is another one.
    #[error("index.json of {} names another image: expected {expected}, found {found:?}",
        path.display())]
    Pinned {
        /// The folder or archive.
        path: PathBuf,
        /// The digest of the reference.
        expected: String,
        /// The digest in the index.
        found: String,
    },
    /// A file cannot be read.
    #[error("cannot read {file} of {}: {source}", path.display())]
    Unreadable {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is named is not there.
    #[error("{file} of {} is missing{}: copy the layout again, whole", path.display(),
        if *is_cut { ", because the archive is cut short" } else { "" })]
    Missing {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// Whether it is an archive without its end.
        is_cut: bool,
    },
    /// A file is not the one that was named.
    #[error("{file} of {} is damaged: expected {expected} of {expected_bytes} bytes, found {found} \
        of {found_bytes} bytes: copy the layout again", path.display())]
    Differs {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// The digest it is named by.
        expected: String,
        /// The size it is named with, in bytes.
        expected_bytes: u64,
        /// Its own digest.
        found: String,
        /// Its own size, in bytes.
        found_bytes: u64,
    },
    /// A file is larger than any of its kind.
    #[error("{file} of {} is {bytes} bytes long, but no more than {} are read", path.display(),
        units::bytes(*limit_bytes))]
    TooLarge {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// Its size, in bytes.
        bytes: u64,
        /// The largest that is read, in bytes.
        limit_bytes: u64,
    },
    /// A document that does not say what it must.
    #[error("{file} of {} cannot be used: {why}", path.display())]
    Document {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The archive of the layout cannot be read.
    #[error("{} is not an archive of an OCI layout: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        source: TarError,
    },
    /// The archive of the layout ends before its end.
    #[error("{} is cut short: copy the archive again, whole", path.display())]
    Cut {
        /// The archive.
        path: PathBuf,
    },
    /// The layer has the right digest and cannot be read.
    #[error("the layer {file} of {} cannot be used: {source}", path.display())]
    Layer {
        /// The file in the layout.
        file: String,
        /// The folder or archive.
        path: PathBuf,
        /// What is wrong.
        source: TarError,
    },
    /// What the layer has in the image's place is none.
    #[error("the image in {} cannot be run: {source}", path.display())]
    Image {
        /// The folder or archive.
        path: PathBuf,
        /// The check that failed.
        source: ImageError,
    },
}

impl OciError {
    /// The reason, as in an outcome.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound { .. } | Self::NoSuchImage { .. } => Reason::NotFound,
            Self::Reference(_) | Self::Ambiguous { .. } => Reason::BadRequest,
            _ => Reason::NotRunnable,
        }
    }
}

/// The names that there are, to end a message with.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "; its images have no names".to_owned();
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let names: Vec<_> =
        names.iter().take(SHOWN).map(|name| clip(name).escape_debug().to_string()).collect();
    format!("; there are {}{more}", names.join(", "))
}
