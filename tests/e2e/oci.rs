//! Images in OCI layouts: what `dist --oci` makes is what other tools take, runs as the file itself does,
//! and does not run once it is damaged.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Scratch, Suite, launcher, xtask};
use crate::independent::script;
use crate::matrix::Backend;
use crate::process::{Done, Invocation};

pub fn add(suite: &mut Suite) {
    suite.each("oci::an_image_in_a_layout_runs_as_the_file_does", runs);
    suite.once("oci::a_flipped_bit_in_a_blob_gives_126_the_file_and_both_digests", flips);
    suite.once("oci::a_flipped_bit_in_the_index_changes_nothing_that_runs", index_flips);
    suite.once("oci::an_archive_that_is_cut_gives_126", cuts);
    suite.once("oci::a_reader_of_the_specification_alone_takes_it", independent);
    suite.once("oci::skopeo_and_umoci_take_it", other_tools);
    suite.once("oci::kubernetes_takes_the_manifests", manifests);
}

/// A folder of artifacts with the images of two functions.
struct Dist {
    scratch: Scratch,
}

impl Dist {
    fn new(options: &[&str]) -> Self {
        let scratch = Scratch::new();
        let out = scratch.path("dist").display().to_string();
        xtask(&[&["dist", "echo", "wc", "--out", &out], options].concat()).run().expect(0);
        Self { scratch }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.scratch.path("dist").join(file)
    }

    fn reference(&self, rest: &str) -> String {
        format!("oci:{}{rest}", self.scratch.path("dist").display())
    }

    /// The digest of the manifest of a function.
    fn digest(&self, function: &str) -> String {
        let index = fs::read(self.path("oci/index.json")).expect("an index");
        let index: Value = serde_json::from_slice(&index).expect("JSON");
        let entries = index["manifests"].as_array().expect("a list");
        let name = "org.opencontainers.image.ref.name";
        let entry = entries.iter().find(|entry| entry["annotations"][name] == function);
        entry.expect(function)["digest"].as_str().expect("a digest").to_owned()
    }

    /// The blobs that make up the image of a function: manifest, configuration, layer.
    fn blobs(&self, function: &str) -> Vec<String> {
        let path = |digest: &str| digest.replace("sha256:", "blobs/sha256/");
        let manifest = path(&self.digest(function));
        let text = fs::read(self.path("oci").join(&manifest)).expect("a manifest");
        let text: Value = serde_json::from_slice(&text).expect("JSON");
        let digest = |part: &Value| path(part["digest"].as_str().expect("a digest"));
        vec![manifest, digest(&text["config"]), digest(&text["layers"][0])]
    }
}

/// So many numbers below `end`, evenly spread, the first and the last among them.
fn spread(end: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |number| number * (end - 1) / (count - 1))
}

fn runs(backend: Backend) {
    let dist = Dist::new(&["--oci"]);
    let digest = dist.digest("wc");
    for rest in [
        "/oci:wc".to_owned(),
        "/wc/wc.oci.tar".to_owned(),
        "/wc/wc.oci.tar:wc".to_owned(),
        format!("/oci@{digest}"),
        format!("/oci:wc@{digest}"),
    ] {
        let reference = dist.reference(&rest);
        let done = backend.call_image(&reference).with(["-l"]).feed(b"one\ntwo\n").expect(0);
        assert_eq!(done.silent().text(), "2\n", "{reference}");
    }
    let done = launcher(&["run", &dist.reference("/oci")]).run().expect(125);
    done.says(&["several images", "echo, wc"]);
    let done = launcher(&["run", &dist.reference("/oci:wcc")]).run().expect(127);
    done.says(&["index.json", "no image \"wcc\"", "echo, wc"]);
    let other = dist.reference(&format!("/oci:echo@{digest}"));
    let done = launcher(&["run", &other]).run().expect(126);
    done.says(&["another image", &digest, &dist.digest("echo")]);
    launcher(&["run", &dist.reference("/nowhere")]).run().expect(127).says(&["no OCI layout at"]);
}

fn flips() {
    let dist = Dist::new(&["--oci"]);
    for blob in dist.blobs("wc") {
        let path = dist.path("oci").join(&blob);
        let good = fs::read(&path).expect("a blob");
        for at in spread(good.len(), 24) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).expect("the blob");
            let done = launcher(&["run", &dist.reference("/oci:wc")]).run().expect(126);
            let expected = blob.replace("blobs/sha256/", "sha256:");
            let found = crate::data::sha256(&bad);
            done.says(&[&blob, "is damaged", &expected, &format!("found sha256:{found}")]);
        }
        fs::write(&path, &good).expect("the blob");
    }
}

/// No digest of the layout covers its index. What names another image is refused, and what says nothing of
/// what runs is found by the sums of the whole folder.
fn index_flips() {
    let dist = Dist::new(&["--oci"]);
    let reference = dist.reference("/oci:wc");
    let pinned = format!("{reference}@{}", dist.digest("wc"));
    for file in ["oci/index.json", "oci/oci-layout"] {
        let good = fs::read(dist.path(file)).expect("the file");
        for at in spread(good.len(), 60.min(good.len())) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 7);
            fs::write(dist.path(file), &bad).expect("the file");
            let done = attempt(&reference);
            match done.status {
                // It was on its way to be run: then it is still the same image.
                125 => drop(attempt(&pinned).expect(125).says(&["/nowhere/qemu"])),
                126 | 127 => drop(done.says(&["oci"])),
                _ => panic!("bit {} of byte {at} of {file}: {done:?}", at % 7),
            }
            let mut sums = Command::new("sha256sum");
            sums.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(dist.path(""));
            let done = Invocation::new(sums).run().expect(1);
            assert!(done.text().contains(file), "{done:?}");
        }
        fs::write(dist.path(file), &good).expect("the file");
    }
}

/// A call that gives 125 if it gets as far as starting a machine.
fn attempt(reference: &str) -> Done {
    let call = launcher(&["run", reference, "--accel", "tcg"]);
    call.env("AMPOULE_QEMU", "/nowhere/qemu").run()
}

fn cuts() {
    let dist = Dist::new(&["--oci"]);
    let good = fs::read(dist.path("wc/wc.oci.tar")).expect("the archive");
    let layer = dist.blobs("wc").pop().expect("a layer");
    let mut within_the_layer = 0;
    for length in spread(good.len(), 40) {
        let path = dist.path("wc/wc.oci.tar");
        fs::write(&path, &good[..length]).expect("the archive");
        let done = attempt(&dist.reference("/wc/wc.oci.tar")).expect(126).says(&["wc.oci.tar"]);
        if done.stderr.contains("is damaged") {
            within_the_layer += u32::from(done.stderr.contains(&layer));
            done.says(&["expected sha256:", "found sha256:"]);
        }
    }
    assert!(within_the_layer > 20, "{within_the_layer}");
}

fn independent() {
    let dist = Dist::new(&["--oci"]);
    let done = script("oci_layout.py", &[&dist.path("")]).expect("it needs Python alone");
    assert!(done.text().starts_with("echo: sha256:"), "{done:?}");
    assert_eq!(done.text().lines().count(), 2);
}

/// Whether a program is there; if not, what is not tested for want of it.
fn is_there(program: &str, what: &str) -> bool {
    let mut command = Command::new(program);
    let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_err() {
        eprintln!("skipped: {what} with {program}: it is not installed");
    }
    status.is_ok()
}

fn tool(words: &[&str]) -> Done {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    Invocation::new(command).run().expect(0)
}

fn other_tools() {
    let dist = Dist::new(&["--oci"]);
    let digest = dist.digest("wc");
    if is_there("skopeo", "container images") {
        let reference = dist.reference("/oci:wc");
        let told: Value =
            serde_json::from_slice(&tool(&["skopeo", "inspect", &reference]).stdout).expect("JSON");
        assert_eq!(told["Digest"], digest);
        assert_eq!(told["Labels"]["org.opencontainers.image.title"], "wc");
        let copy = dist.scratch.path("copy.tar").display().to_string();
        let archive = format!("oci-archive:{copy}:wc");
        tool(&["skopeo", "copy", "--preserve-digests", &reference, &archive]);
        launcher(&["run", &format!("oci:{copy}:wc@{digest}"), "--accel", "tcg"])
            .env("AMPOULE_QEMU", "/nowhere/qemu")
            .run()
            .expect(125)
            .says(&["/nowhere/qemu"]);
        let own = format!("oci-archive:{}", dist.path("wc/wc.oci.tar").display());
        let told: Value =
            serde_json::from_slice(&tool(&["skopeo", "inspect", &own]).stdout).expect("JSON");
        assert_eq!(told["Digest"], digest);
    }
    if is_there("umoci", "container images") {
        let image = format!("{}:wc", dist.path("oci").display());
        let bundle = dist.scratch.path("unpacked");
        let folder = bundle.display().to_string();
        tool(&["umoci", "unpack", "--rootless", "--image", &image, &folder]);
        let unpacked = fs::read(bundle.join("rootfs/wc.elf")).expect("the image");
        let manifest = fs::read(dist.path("wc/manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let files = manifest["files"].as_array().expect("a list");
        let image = files.iter().find(|file| file["path"] == "wc.elf").expect("the image");
        assert_eq!(image["sha256"], crate::data::sha256(&unpacked));
    }
}

fn manifests() {
    let dist = Dist::new(&["--kubernetes", "--repository", "registry.example/functions"]);
    let Some(done) = script("kubernetes_manifests.py", &[&dist.path("")]) else { return };
    assert_eq!(done.text().lines().count(), 12, "{done:?}");
}
