//! The JSON of an image layout (image-spec 1.1: image-layout, image-index, manifest, config), with its
//! keys in one order.

use std::collections::BTreeMap;

use ampoule_boot::image::oci::names::{INDEX, MANIFEST, REFERENCE_NAME};
use serde::Serialize;

/// What one document says of another, or of a layer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    media_type: &'static str,
    pub(super) digest: String,
    size: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
}

#[derive(Clone, Debug, Serialize)]
struct Platform {
    architecture: &'static str,
    os: &'static str,
}

impl Descriptor {
    pub(super) fn of(media_type: &'static str, digest: String, size: usize) -> Self {
        Self { media_type, digest, size, annotations: BTreeMap::new(), platform: None }
    }

    /// As an entry of an index, under a name.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.annotations.insert(REFERENCE_NAME.to_owned(), name.to_owned());
        self.platform = Some(Platform { architecture: "amd64", os: "linux" });
        self
    }
}

/// The images of a layout.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

impl Index {
    pub(super) fn of(manifests: Vec<Descriptor>) -> Self {
        Self { schema_version: 2, media_type: INDEX, manifests }
    }
}

/// An image: its configuration and its layer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: [Descriptor; 1],
    annotations: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn of(
        config: Descriptor,
        layer: Descriptor,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        Self { schema_version: 2, media_type: MANIFEST, config, layers: [layer], annotations }
    }
}

/// What a container engine is to do with the layer.
#[derive(Debug, Serialize)]
pub(super) struct ImageConfig<'a> {
    pub(super) created: &'a str,
    pub(super) architecture: &'static str,
    pub(super) os: &'static str,
    pub(super) config: Config,
    pub(super) rootfs: RootFs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    pub(super) user: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) working_dir: &'static str,
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) diff_ids: Vec<String>,
}

/// A document's bytes.
pub(super) fn bytes(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("maps of strings and numbers are JSON")
}
