//! A small layout made for tests: its parts are texts in which sizes and digests have names, so that
//! a part can be changed and the rest still fits.

use crate::digest::Digest;

/// Parts of a layout to be changed, then built.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) layer: Vec<u8>,
    /// `$LAYER` stands for the layer's digest.
    pub(super) config: Vec<u8>,
    /// `$CONFIG`, `$CONFIG_BYTES`, `$LAYER` and `$LAYER_BYTES` stand for digests and sizes.
    pub(super) manifest: Vec<u8>,
    /// `$MANIFEST` and `$MANIFEST_BYTES` stand for digest and size.
    pub(super) index: Vec<u8>,
}

/// What the layer has in the image's place.
pub(super) const IMAGE: &[u8] = b"in the image's place";

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","config":{"Labels":
{"dev.ampoule.image":"/f.elf"}},"rootfs":{"type":"layers","diff_ids":["$LAYER"]}}"#;
const MANIFEST: &str = r#"{"schemaVersion":2,
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"$CONFIG","size":$CONFIG_BYTES},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"$LAYER","size":$LAYER_BYTES}]}"#;
const INDEX: &str = r#"{"schemaVersion":2,"manifests":[{
"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"$MANIFEST","size":$MANIFEST_BYTES,
"annotations":{"org.opencontainers.image.ref.name":"f"}}]}"#;

impl Default for Sample {
    fn default() -> Self {
        Self {
            layer: tar(&[("f.elf", IMAGE), ("f", b"beside it")]),
            config: CONFIG.into(),
            manifest: MANIFEST.into(),
            index: INDEX.into(),
        }
    }
}

impl Sample {
    /// The layout's files.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let layer = Named::of("LAYER", self.layer.clone());
        let config = Named::of("CONFIG", layer.put_in(&self.config));
        let manifest = Named::of("MANIFEST", config.put_in(&layer.put_in(&self.manifest)));
        let index = manifest.put_in(&self.index);
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index),
        ];
        for blob in [layer, config, manifest] {
            // Of the same bytes there is one blob.
            if !files.iter().any(|(path, _)| *path == blob.path()) {
                files.push((blob.path(), blob.bytes));
            }
        }
        files
    }

    /// The layout as an archive.
    pub(super) fn build(&self) -> Vec<u8> {
        let files = self.files();
        let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
        tar(&files)
    }
}

/// A blob and how it is called in the documents that name it.
struct Named {
    name: &'static str,
    digest: String,
    bytes: Vec<u8>,
}

impl Named {
    fn of(name: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, digest: Digest::of(&bytes).to_string(), bytes }
    }

    fn path(&self) -> String {
        self.digest.replace("sha256:", "blobs/sha256/")
    }

    /// A document with this blob's digest and size in it.
    fn put_in(&self, document: &[u8]) -> Vec<u8> {
        let size = self.bytes.len().to_string();
        let document = replace(document, &format!("${}_BYTES", self.name), &size);
        replace(&document, &format!("${}", self.name), &self.digest)
    }
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::new(), bytes);
    while let Some((&first, behind)) = rest.split_first() {
        match rest.strip_prefix(from.as_bytes()) {
            Some(after) => {
                replaced.extend_from_slice(to.as_bytes());
                rest = after;
            }
            None => {
                replaced.push(first);
                rest = behind;
            }
        }
    }
    replaced
}

/// An archive of these files.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        archive.extend_from_slice(&header(name, b'0', bytes.len() as u64));
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// The header of an entry of that type.
pub(super) fn header(name: &str, kind: u8, bytes: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\x00");
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
