//! The JSON of a layout, as far as it leads to an image; what else stands there is passed over, as the
//! specification wants it.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::names::{
    self, CONFIG, IMAGE_LABEL, INDEX, LAYER, LAYOUT_VERSION, MANIFEST, REFERENCE_NAME,
};
use crate::digest::Digest;
use crate::foreign::clip;

/// `oci-layout`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LayoutFile {
    image_layout_version: String,
}

impl LayoutFile {
    pub(super) fn check(&self) -> Result<(), String> {
        match self.image_layout_version.as_str() {
            LAYOUT_VERSION => Ok(()),
            found => Err(format!(
                "its imageLayoutVersion is {:?}, but this launcher knows {LAYOUT_VERSION}",
                clip(found)
            )),
        }
    }
}

/// `index.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u64,
    pub(super) manifests: Vec<Descriptor>,
}

impl Index {
    pub(super) fn check(&self) -> Result<(), String> {
        check_schema(self.schema_version)
    }
}

fn check_schema(version: u64) -> Result<(), String> {
    match version {
        2 => Ok(()),
        found => Err(format!("its schemaVersion is {found}, but must be 2")),
    }
}

/// A value, or none: what is written in Go has `null` for an empty map.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What a document says of a blob.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default, deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The name of an index's entry.
    pub(super) fn name(&self) -> Option<&str> {
        self.annotations.get(REFERENCE_NAME).map(String::as_str)
    }

    /// The blob's file in the layout. The digest is checked first, so that it cannot lead elsewhere.
    pub(super) fn file(&self) -> Result<String, String> {
        Digest::parse(&self.digest).map(names::blob).ok_or_else(|| {
            format!(
                "it names a blob by {:?}, but a digest is sha256: and 64 digits of 0-9 and a-f",
                clip(&self.digest)
            )
        })
    }

    pub(super) fn expect_type(&self, media_type: &str) -> Result<(), String> {
        match self.media_type.as_str() {
            found if found == media_type => Ok(()),
            INDEX => {
                Err("it names a further index, which this launcher does not follow: copy the \
                one image into a layout of its own"
                    .to_owned())
            }
            found => Err(format!(
                "{:?} is of the type {:?}, but must be {media_type}",
                clip(&self.digest),
                clip(found)
            )),
        }
    }
}

/// An image's manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u64,
    media_type: Option<String>,
    pub(super) config: Descriptor,
    layers: Vec<Descriptor>,
    /// What an index has: a document that is both says different things to different readers.
    manifests: Option<IgnoredAny>,
}

impl Manifest {
    /// The only layer, if all is of the kinds that can be read.
    pub(super) fn layer(&self) -> Result<&Descriptor, String> {
        check_schema(self.schema_version)?;
        match self.media_type.as_deref() {
            None | Some(MANIFEST) => {}
            Some(found) => {
                let found = clip(found);
                return Err(format!("it is of the type {found:?}, but must be {MANIFEST}"));
            }
        }
        if self.manifests.is_some() {
            return Err("it has `manifests` beside `layers`, and so is an index too".to_owned());
        }
        self.config.expect_type(CONFIG)?;
        let [layer] = &self.layers[..] else {
            return Err(format!(
                "it has {} layers, but a function's image has one: make it with `cargo xtask dist \
                    --oci`",
                self.layers.len()
            ));
        };
        if let Some((LAYER, how)) = layer.media_type.split_once('+') {
            return Err(format!(
                "its layer is compressed ({}), which this launcher does not unpack: make it with \
                    `cargo xtask dist --oci`, and copy it with `skopeo copy --preserve-digests`",
                clip(how).escape_debug()
            ));
        }
        layer.expect_type(LAYER)?;
        Ok(layer)
    }
}

/// An image's configuration.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default, deserialize_with = "or_default")]
    config: Settings,
    rootfs: RootFs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

impl Config {
    /// The path in the layer of the function's image, without the slash it begins with.
    pub(super) fn image(&self, layer: &Descriptor) -> Result<&str, String> {
        if self.rootfs.diff_ids != [layer.digest.as_str()] {
            return Err(format!(
                "its rootfs.diff_ids are {:?}, but the only layer is {}",
                clip(&self.rootfs.diff_ids.join(", ")),
                layer.digest
            ));
        }
        let label = self.config.labels.get(IMAGE_LABEL).ok_or_else(|| {
            format!(
                "it has no label {IMAGE_LABEL}, so it is not a function's: make it with `cargo \
                    xtask dist --oci`"
            )
        })?;
        let path = label.strip_prefix('/').filter(|path| !path.is_empty());
        path.ok_or_else(|| {
            let label = clip(label);
            format!("its label {IMAGE_LABEL} is {label:?}, but must be a path from the root")
        })
    }
}
