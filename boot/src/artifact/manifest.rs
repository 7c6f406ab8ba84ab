//! `manifest.json`: what a function is, how its image was made, and a digest of each file beside it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The schema's name and version.
pub const SCHEMA: &str = "ampoule/manifest/1";

/// What the schema of every version begins with.
const SCHEMAS: &str = "ampoule/manifest/";

/// Whether a JSON text says that it is a manifest, of whichever version.
pub fn is_one(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    serde_json::from_slice::<Schema>(text).is_ok_and(|it| it.schema.starts_with(SCHEMAS))
}

/// What there is to know of a function's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The function.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it says it does.
    pub description: Option<String>,
    /// The contract's version.
    pub abi_version: u32,
    /// What its image asks for.
    pub settings: Settings,
    /// What compiled it.
    pub toolchain: Toolchain,
    /// The source that it was made of; `None` outside of git.
    pub source: Option<Source>,
    /// When that was made (RFC 3339); 1970 if nobody knows.
    pub source_date: String,
    /// The files of the folder by ascending name, but for this one and the statement about it.
    pub files: Vec<File>,
}

/// A function's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Guest memory wanted, in bytes.
    pub memory_bytes: u64,
    /// Stack, in bytes.
    pub stack_bytes: u64,
    /// Deadline when the caller names none, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Event modes taken.
    pub event_modes: Vec<String>,
    /// Capabilities asked for.
    pub capabilities: Vec<String>,
}

/// What compiled an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// As `rustc --version` says it.
    pub rustc: String,
    /// The triple of the machine that compiled.
    pub host: String,
    /// The triple that was compiled for.
    pub target: String,
    /// `fn`, or `fn-debug`.
    pub profile: String,
}

/// A state of a git repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The commit, in hexadecimal.
    pub commit: String,
    /// Whether tracked files differed from it, or others were there.
    pub dirty: bool,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// From the function's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}
