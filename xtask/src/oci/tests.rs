//! A layout by its rules: digests, sizes, names, and the same bytes each time.

use std::io::Read;

use serde_json::Value;

use super::*;

fn functions() -> [Function<'static>; 2] {
    let function = Function {
        name: "echo",
        version: "0.1.0",
        revision: Some("abc"),
        epoch_seconds: 86_400,
        annotations: BTreeMap::from([("dev.ampoule.abi".to_owned(), "1".to_owned())]),
        image: b"an image",
        bundle: None,
    };
    let other = Function { name: "wc-2", bundle: Some(b"a bundle"), ..function.clone() };
    [function, other]
}

fn layout() -> Layout {
    Layout::of(&functions()).expect("a layout")
}

impl Layout {
    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(self.bytes(path)).expect("JSON")
    }

    fn bytes(&self, path: &str) -> &[u8] {
        &self.files.iter().find(|(name, _)| name == path).expect(path).1
    }

    /// The blob that a descriptor names, whose digest and size it checks.
    fn blob(&self, descriptor: &Value) -> &[u8] {
        let digest = descriptor["digest"].as_str().expect("a digest");
        let bytes = self.bytes(&digest.replace("sha256:", "blobs/sha256/"));
        assert_eq!(digest, Digest::of(bytes).to_string());
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }
}

#[test]
fn every_blob_has_the_digest_and_the_size_it_is_named_by() {
    let layout = layout();
    assert_eq!(layout.json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = layout.json("index.json");
    let mut reached = 0;
    for (entry, function) in index["manifests"].as_array().expect("a list").iter().zip(functions())
    {
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], function.name);
        assert_eq!(entry["digest"], layout.manifests[function.name]);
        let manifest: Value = serde_json::from_slice(layout.blob(entry)).expect("a manifest");
        let config: Value =
            serde_json::from_slice(layout.blob(&manifest["config"])).expect("a config");
        layout.blob(&manifest["layers"][0]);
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        assert_eq!(config["config"]["Labels"][IMAGE_LABEL], format!("/{}.elf", function.name));
        assert_eq!(config["created"], "1970-01-02T00:00:00Z");
        assert_eq!(manifest["annotations"]["dev.ampoule.abi"], "1");
        assert_eq!(manifest["annotations"]["org.opencontainers.image.revision"], "abc");
        reached += 3;
    }
    assert_eq!(layout.files.len(), 2 + reached);
}

#[test]
fn a_layer_holds_the_image_the_bundle_and_what_urunc_reads() {
    let layout = layout();
    let index = layout.json("index.json");
    let manifest: Value =
        serde_json::from_slice(layout.blob(&index["manifests"][1])).expect("a manifest");
    let config: Value = serde_json::from_slice(layout.blob(&manifest["config"])).expect("a config");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/wc-2"]));
    let mut archive = tar::Archive::new(layout.blob(&manifest["layers"][0]));
    let mut found = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let header = entry.header().clone();
        assert_eq!((header.uid().ok(), header.mtime().ok()), (Some(0), Some(86_400)));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        let path = header.path().expect("a path").display().to_string();
        found.push((path, header.mode().expect("a mode"), bytes));
    }
    let names: Vec<_> = found.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
    assert_eq!(names, [("urunc.json", 0o444), ("wc-2", 0o555), ("wc-2.elf", 0o444)]);
    assert_eq!((&found[1].2[..], &found[2].2[..]), (&b"a bundle"[..], &b"an image"[..]));
    let urunc: Value = serde_json::from_slice(&found[0].2).expect("JSON");
    assert_eq!(urunc["com.urunc.unikernel.binary"], "L3djLTIuZWxm");
}

#[test]
fn the_same_functions_give_the_same_bytes() {
    assert_eq!(layout(), layout());
    let archive = layout().archive(7).expect("an archive");
    assert_eq!(archive, layout().archive(7).expect("an archive"));
    assert!(archive.len().is_multiple_of(512));
    // A reader finds out what it reads before it reads much.
    assert!(archive.starts_with(b"oci-layout\0"));
}

#[test]
fn a_name_that_is_no_reference_is_refused() {
    let with_name = |name: &str| {
        let [function, _] = functions();
        Layout::of(&[Function { name, ..function }])
    };
    let long = "x".repeat(96);
    for name in ["", "-a", "a/b", "a--b", "..", "a b", "a:b", "é", &long] {
        let error = with_name(name).expect_err(name).to_string();
        assert!(error.contains("cannot name an OCI image"), "{error}");
    }
    for name in ["a", "a-b_c.d", "A1"] {
        with_name(name).expect(name);
    }
}
