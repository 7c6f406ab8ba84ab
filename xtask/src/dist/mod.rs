//! Images as artifacts: a folder that says of itself what it holds, for those who pass images on.
//!
//! ```text
//! image -> files of a function -> manifest -> statement -> [signature]    one folder each
//! folders -> SHA256SUMS -> folder, put in place at once
//! ```
//!
//! Everything is made in memory first, and is the same for the same source; only [`folder`] writes.

pub mod container;
pub mod folder;
mod release;
pub mod source;

use ampoule_abi::ABI_VERSION;
use ampoule_boot::artifact::manifest::{self, Manifest, Settings, Source, Toolchain};
use ampoule_boot::artifact::{IMAGE_SUFFIX, MANIFEST, TWIN_SUFFIX};
use ampoule_boot::units;

pub use release::{Artifact, Release};

use crate::image::Sealed;
use crate::project::Function;

/// What is the same for all functions of a release.
#[derive(Debug)]
pub struct Origin {
    /// What compiled them.
    pub toolchain: Toolchain,
    /// What they were made of, where that is known.
    pub source: Option<Source>,
    /// When that was made, in RFC 3339.
    pub date: String,
}

/// The folder of one function, to whose `folder` all is added that every release has.
pub fn function(
    function: &Function,
    made: &Sealed,
    mut folder: Release,
    origin: &Origin,
) -> Release {
    let name = &function.name;
    folder.add(format!("{name}{IMAGE_SUFFIX}"), Artifact::file(&made.image[..]));
    folder.add(format!("{name}{TWIN_SUFFIX}"), Artifact::file(&made.twin[..]));
    folder.add(MANIFEST, json(&manifest(function, &folder, origin)));
    folder
}

/// A file of JSON for people and programs.
fn json(value: &impl serde::Serialize) -> Artifact {
    let mut text = serde_json::to_string_pretty(value).expect("no map has keys but text");
    text.push('\n');
    Artifact::file(text)
}

/// The manifest of a folder that holds all else but the statement.
fn manifest(function: &Function, folder: &Release, origin: &Origin) -> Manifest {
    let settings = &function.settings;
    Manifest {
        schema: manifest::SCHEMA.into(),
        name: function.name.clone(),
        version: function.version.clone(),
        description: function.description.clone(),
        abi_version: ABI_VERSION,
        settings: Settings {
            memory_bytes: settings.memory_bytes,
            stack_bytes: settings.stack_bytes,
            timeout_ms: settings.timeout.map(units::milliseconds),
            event_modes: settings.event_modes.clone(),
            capabilities: settings.capabilities.clone(),
        },
        toolchain: origin.toolchain.clone(),
        source: origin.source.clone(),
        source_date: origin.date.clone(),
        files: folder.listed(),
    }
}
