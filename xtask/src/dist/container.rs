//! The container images of a release: one OCI layout of all functions, and an archive of each.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use ampoule_abi::ABI_VERSION;
use ampoule_boot::digest::Digest;

use super::{Artifact, Origin, Release, purl};
use crate::image::Sealed;
use crate::kubernetes;
use crate::oci::{self, Layout, OciError};
use crate::project::Function;

/// The folder of the layout, beside those of the functions.
pub const FOLDER: &str = "oci";
/// What follows a function's name in the name of its archive.
const ARCHIVE_SUFFIX: &str = ".oci.tar";

/// What a function's container image is made of.
#[derive(Debug)]
pub struct Container {
    name: String,
    version: String,
    revision: Option<String>,
    epoch_seconds: u64,
    annotations: BTreeMap<String, String>,
    image: Vec<u8>,
    bundle: Option<Vec<u8>>,
}

impl Container {
    /// Of a function's image and, if there is one, its bundle.
    pub fn of(function: &Function, made: &Sealed, bundle: Option<&[u8]>, origin: &Origin) -> Self {
        let date = humantime::parse_rfc3339(&origin.date).unwrap_or(UNIX_EPOCH);
        let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        let revision = origin.source.as_ref().map(|source| {
            let mark = if source.dirty { "-dirty" } else { "" };
            format!("{}{mark}", source.commit)
        });
        Self {
            name: function.name.clone(),
            version: function.version.clone(),
            revision,
            epoch_seconds: since.as_secs(),
            annotations: annotations(function, &made.image),
            image: made.image.clone(),
            bundle: bundle.map(Into::into),
        }
    }

    /// Adds the archive of this image alone to its function's folder; the digest of the image's
    /// manifest, which is the same in the layout of all.
    pub fn add_archive(&self, folder: &mut Release) -> Result<String, OciError> {
        let mut layout = Layout::of(&[self.function()])?;
        let archive = layout.archive(self.epoch_seconds)?;
        folder.add(format!("{}{ARCHIVE_SUFFIX}", self.name), Artifact::file(archive));
        Ok(layout.manifests.remove(&self.name).expect("the layout is that of this image"))
    }

    fn function(&self) -> oci::Function<'_> {
        oci::Function {
            name: &self.name,
            version: &self.version,
            revision: self.revision.as_deref(),
            epoch_seconds: self.epoch_seconds,
            annotations: self.annotations.clone(),
            image: &self.image,
            bundle: self.bundle.as_deref(),
        }
    }
}

/// The folder of the layout of all images.
pub fn layout(containers: &[Container]) -> Result<Release, OciError> {
    let functions: Vec<_> = containers.iter().map(Container::function).collect();
    let mut folder = Release::default();
    for (path, bytes) in Layout::of(&functions)?.files {
        folder.add(path, Artifact::file(bytes));
    }
    Ok(folder)
}

/// Adds the manifests of Kubernetes for the image with that digest.
pub fn add_manifests(function: &Function, repository: &str, digest: &str, folder: &mut Release) {
    let described = kubernetes::Function {
        name: &function.name,
        version: &function.version,
        memory_bytes: function.settings.memory_bytes,
        timeout: function.settings.timeout,
        repository: repository.trim_end_matches('/'),
        digest,
    };
    for (end, text) in kubernetes::manifests(&described) {
        folder.add(format!("{}{end}", function.name), Artifact::file(text));
    }
}

/// What there is to say of a function beside its name and version.
fn annotations(function: &Function, image: &[u8]) -> BTreeMap<String, String> {
    let repository = function.repository.as_deref().map(purl::public);
    let given = [
        ("org.opencontainers.image.description", &function.description),
        ("org.opencontainers.image.licenses", &function.licence),
        ("org.opencontainers.image.source", &repository),
    ];
    let mut all: BTreeMap<_, _> = given
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect();
    all.insert("dev.ampoule.abi".to_owned(), ABI_VERSION.to_string());
    all.insert("dev.ampoule.image.digest".to_owned(), Digest::of(image).to_string());
    all
}

#[cfg(test)]
mod tests {
    use cargo_metadata::PackageId;

    use super::*;
    use crate::image::spec::Settings;

    #[test]
    fn the_source_is_told_without_what_opens_it() {
        let function = Function {
            name: "wc".into(),
            package: PackageId { repr: "wc".into() },
            version: "0.1.0".into(),
            description: None,
            licence: None,
            repository: Some("https://user:secret@example.com/wc".into()),
            manifest: "/p/Cargo.toml".into(),
            settings: Settings::default(),
        };
        let told = annotations(&function, b"image");
        assert_eq!(told["org.opencontainers.image.source"], "https://example.com/wc");
    }
}
