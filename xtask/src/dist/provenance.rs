//! How an image came about: of which source, of which crates, by what (SLSA provenance v1).
//!
//! See <https://slsa.dev/spec/v1.0/provenance>. It says what this machine did, and is worth as much as the
//! signature on it.

use serde::Serialize;
use serde_json::{Value, json};

use super::lock::Lock;
use super::{Origin, purl};
use crate::image::linked::Linked;
use crate::project::Function;

/// What the parameters mean: those of `cargo xtask build-fn`.
const BUILD_TYPE: &str = "https://ampoule.dev/build-fn/v1";
/// Who has built it: this program, on a machine of which nothing is known.
const BUILDER: &str = "https://ampoule.dev/xtask";

/// What is stated of a function's files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: &'static str,
    external_parameters: Value,
    internal_parameters: Value,
    resolved_dependencies: Vec<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunDetails {
    builder: Value,
    metadata: Value,
}

/// How the image of `function` came about.
pub fn of(function: &Function, linked: &Linked<'_>, lock: &Lock, origin: &Origin) -> Provenance {
    let toolchain = &origin.toolchain;
    let source = origin.source.iter().map(|source| {
        let mut source = json!({
            "name": "source",
            "digest": { "gitCommit": source.commit },
            "annotations": { "dirty": source.dirty },
        });
        if let Some(repository) = &function.repository {
            source["uri"] = format!("git+{}", purl::public(repository)).into();
        }
        source
    });
    let crates = linked.crates.iter().filter_map(|one| {
        let checksum = lock.checksum(one.package)?.hexadecimal();
        Some(json!({ "uri": purl::of_crate(one.package)?, "digest": { "sha256": checksum } }))
    });
    Provenance {
        build_definition: BuildDefinition {
            build_type: BUILD_TYPE,
            external_parameters: json!({ "function": function.name, "version": function.version }),
            internal_parameters: json!({
                "host": toolchain.host,
                "profile": toolchain.profile,
                "rustc": toolchain.rustc,
                "target": toolchain.target,
            }),
            resolved_dependencies: source.chain(crates).collect(),
        },
        run_details: RunDetails {
            builder: json!({ "id": BUILDER, "version": { "xtask": env!("CARGO_PKG_VERSION") } }),
            // No time but that of the source, so that the same source gives the same statement.
            metadata: json!({ "ampoule_sourceDate": origin.date }),
        },
    }
}
