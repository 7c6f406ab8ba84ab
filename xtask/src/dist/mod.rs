//! Images as artifacts: a folder that says of itself what it holds, for those who pass images on.
//!
//! ```text
//! image -> files of a function -> manifest -> statement -> [signature]    one folder each
//! folders -> SHA256SUMS -> folder, put in place at once
//! ```
//!
//! Everything is made in memory first, and is the same for the same source; only [`folder`] writes.

mod bill;
pub mod container;
pub mod folder;
pub mod lock;
mod owner;
mod provenance;
mod purl;
mod release;
pub mod sign;
pub mod source;

use std::collections::BTreeSet;

use ampoule_abi::ABI_VERSION;
use ampoule_boot::artifact::manifest::{self, Manifest, Settings, Source, Toolchain};
use ampoule_boot::artifact::statement::{PAYLOAD_TYPE, Statement};
use ampoule_boot::artifact::verify::SUMS_PAYLOAD_TYPE;
use ampoule_boot::artifact::{
    BILL_SUFFIX, ENVELOPE_SUFFIX, IMAGE_SUFFIX, MANIFEST, STATEMENT_SUFFIX, SUMS, SUMS_ENVELOPE,
    TWIN_SUFFIX,
};
use ampoule_boot::units;
use cargo_metadata::Metadata;

pub use release::{Artifact, Release};

use crate::image::Sealed;
use crate::image::dependency::MetadataError;
use crate::image::linked::Linked;
use crate::project::Function;
use lock::Lock;
use sign::Secret;

/// What is the same for all functions of a release.
pub struct Origin {
    /// What compiled them.
    pub toolchain: Toolchain,
    /// What they were made of, where that is known.
    pub source: Option<Source>,
    /// When that was made, in RFC 3339.
    pub date: String,
    /// What cargo says of the crates in them.
    pub metadata: Metadata,
    /// The checksums of those.
    pub lock: Lock,
    /// What is signed with, if anything is.
    pub secret: Option<Secret>,
}

/// A function cannot have the folder of its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Something else has the name.
    #[error(
        "the function {0:?} cannot have a folder of its name, since something else is called so beside it: \
         give the function another name"
    )]
    Reserved(String),
    /// Another function has.
    #[error(
        "two functions are called {0:?}, and each has a folder of its name: rename one of them"
    )]
    Same(String),
}

/// Checks that each of these functions can have a folder of its name, beside that of container images if
/// there is to be one.
pub fn check_names<'a>(
    names: impl IntoIterator<Item = &'a str>,
    has_containers: bool,
) -> Result<(), NameError> {
    let mut taken = BTreeSet::new();
    for name in names {
        if [SUMS, SUMS_ENVELOPE].contains(&name) || has_containers && name == container::FOLDER {
            return Err(NameError::Reserved(name.into()));
        }
        if !taken.insert(name) {
            return Err(NameError::Same(name.into()));
        }
    }
    Ok(())
}

/// The folder of one function, to whose `folder` all is added that every release has.
pub fn function(
    function: &Function,
    made: &Sealed,
    mut folder: Release,
    origin: &Origin,
) -> Result<Release, MetadataError> {
    let linked = Linked::new(&origin.metadata, &function.package, &made.packages)
        .ok_or(MetadataError::NoDependencies)?;
    let bill = bill::of(function, &made.image, &linked, &origin.lock, &origin.date);
    let name = &function.name;
    folder.add(format!("{name}{IMAGE_SUFFIX}"), Artifact::file(&made.image[..]));
    folder.add(format!("{name}{TWIN_SUFFIX}"), Artifact::file(&made.twin[..]));
    folder.add(format!("{name}{BILL_SUFFIX}"), json(&bill));
    // The manifest is about all of the above, and the statement about the manifest too.
    folder.add(MANIFEST, json(&manifest(function, &folder, origin)));
    let provenance = provenance::of(function, &linked, &origin.lock, origin);
    let statement = json(&Statement::about(folder.sums(), provenance));
    if let Some(secret) = &origin.secret {
        let envelope = secret.seal(PAYLOAD_TYPE, &statement.bytes);
        folder.add(format!("{name}{ENVELOPE_SUFFIX}"), envelope);
    }
    folder.add(format!("{name}{STATEMENT_SUFFIX}"), statement);
    Ok(folder)
}

/// Adds the list of all files with their digests, and the list signed; nothing is to be added after it.
pub fn close(release: &mut Release, secret: Option<&Secret>) {
    let sums = ampoule_boot::artifact::sums::write(&release.sums());
    if let Some(secret) = secret {
        release.add(SUMS_ENVELOPE, secret.seal(SUMS_PAYLOAD_TYPE, sums.as_bytes()));
    }
    release.add(SUMS, Artifact::file(sums));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_a_folder_that_nothing_else_has() {
        assert_eq!(check_names(["wc", "oci"], false), Ok(()));
        for (names, has_containers) in [(["wc", "oci"], true), (["SHA256SUMS", "wc"], false)] {
            let error = check_names(names, has_containers).expect_err("one is taken");
            assert!(matches!(error, NameError::Reserved(_)), "{error}");
        }
        let same = NameError::Same("wc".to_owned());
        assert_eq!(check_names(["wc", "grep", "wc"], false), Err(same));
    }
}
