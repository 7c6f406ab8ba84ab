//! What a bundle says of itself.

use ampoule_boot::{Image, units};
use serde::Serialize;

/// Name and version of the form in which it does.
const SCHEMA: &str = "ampoule.bundle/1";

#[derive(Serialize)]
struct Inspection<'a> {
    schema: &'static str,
    /// The version of the launcher.
    launcher: &'static str,
    function: Function<'a>,
    image_bytes: usize,
    /// The checksum that the image is sealed with.
    image_checksum: Option<String>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    version: &'a str,
    abi_version: u32,
    memory_bytes: u64,
    stack_bytes: u64,
    timeout_ms: Option<u64>,
    capabilities: &'a [String],
    event_modes: &'a [String],
}

/// The description of a bundle of this image, as JSON.
pub fn of(image: &Image) -> anyhow::Result<String> {
    let (note, bytes) = (image.note(), image.read()?);
    let checksum = ampoule_abi::seal::compare(&bytes);
    let inspection = Inspection {
        schema: SCHEMA,
        launcher: env!("CARGO_PKG_VERSION"),
        function: Function {
            name: &note.name,
            version: &note.version,
            abi_version: note.abi_version,
            memory_bytes: note.memory_bytes,
            stack_bytes: note.stack_bytes,
            timeout_ms: image.timeout().map(units::milliseconds),
            capabilities: &note.capabilities,
            event_modes: &note.event_modes,
        },
        image_bytes: bytes.len(),
        image_checksum: checksum.map(|checksum| format!("xxh64:{:016x}", checksum.claimed)),
    };
    Ok(serde_json::to_string_pretty(&inspection)? + "\n")
}
