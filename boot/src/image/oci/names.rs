//! What things are called in OCI layouts (image-spec 1.1), for those who write them and those who read them.

use crate::digest::Digest;

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// That of an image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// That of a layer that is not compressed.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// That of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The file with the manifests of a layout.
pub const INDEX_FILE: &str = "index.json";
/// The file that makes a folder a layout.
pub const LAYOUT_FILE: &str = "oci-layout";
/// The only version of layouts that there is.
pub const LAYOUT_VERSION: &str = "1.0.0";

/// The annotation with the name of an index's entry.
pub const REFERENCE_NAME: &str = "org.opencontainers.image.ref.name";
/// The label of a configuration that says which file of the layer is the function's image.
pub const IMAGE_LABEL: &str = "dev.ampoule.image";

/// Where the blob of this digest lies in a layout.
pub fn blob(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hexadecimal())
}
