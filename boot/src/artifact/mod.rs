//! Images as artifacts: what a folder made by `cargo xtask dist` holds, for those who write it and those
//! who verify it.
//!
//! ```text
//! SHA256SUMS               a digest of every other file
//! SHA256SUMS.dsse.json     the same, signed
//! NAME/NAME.elf            the image
//! NAME/NAME.debug          its twin, with symbols and line numbers
//! NAME/manifest.json       what the function is, and a digest of each file beside it
//! NAME/NAME.cdx.json       the crates in the image: a bill of materials
//! NAME/NAME.intoto.json    how it came about: an in-toto statement
//! NAME/NAME.intoto.dsse.json   the same, signed
//! NAME/NAME                the bundle, launcher and image in one
//! NAME/NAME.oci.tar        the container image, as an archive of a layout
//! NAME/NAME.*.yaml         manifests for Kubernetes
//! oci/                     the container images of all functions in one layout
//! ```
//!
//! Signatures, bundles, container images and manifests are there if they were asked for.
//!
//! Nothing here trusts a byte of such a folder.

pub mod dsse;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod manifest;
pub mod statement;
pub mod sums;
pub mod tree;
pub mod verify;

/// Name of the file with a digest of every other one.
pub const SUMS: &str = "SHA256SUMS";
/// Name of the file with that one, signed.
pub const SUMS_ENVELOPE: &str = "SHA256SUMS.dsse.json";
/// Name of the file that describes a function.
pub const MANIFEST: &str = "manifest.json";
/// What follows a function's name in the name of its image.
pub const IMAGE_SUFFIX: &str = ".elf";
/// What follows it in the name of the image's twin.
pub const TWIN_SUFFIX: &str = ".debug";
/// What follows it in the name of its bill of materials.
pub const BILL_SUFFIX: &str = ".cdx.json";
/// What follows it in the name of its statement.
pub const STATEMENT_SUFFIX: &str = ".intoto.json";
/// What follows it in the name of its signed statement.
pub const ENVELOPE_SUFFIX: &str = ".intoto.dsse.json";
