//! Layouts that are damaged, cut, hostile, or somebody else's.

use std::fs;
use std::path::Path;

use super::fuzz::read_archive;
use super::sample::{IMAGE, Sample, header, tar};
use super::*;
use crate::outcome::Reason;

fn refused(archive: &[u8]) -> String {
    let error = read_archive(archive).expect_err("it is refused");
    assert_eq!(error.reason(), Reason::NotRunnable, "{error}");
    error.to_string()
}

fn with_layer(layer: Vec<u8>) -> String {
    refused(&Sample { layer, ..Sample::default() }.build())
}

/// The layout as a folder, in which `change` has its way first.
fn in_folder<T>(change: impl FnOnce(&Path), then: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, bytes) in Sample::default().files() {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    change(folder.path());
    then(folder.path())
}

fn read_folder(path: &Path) -> Result<Vec<u8>, OciError> {
    let reference = Reference { path: path.to_owned(), name: None, digest: None };
    read(&Store::open(path)?, &reference)
}

fn blob(part: &str) -> String {
    let index = ["oci-layout", "index.json", "layer", "config", "manifest"];
    let at = index.iter().position(|name| *name == part).expect(part);
    Sample::default().files().swap_remove(at).0
}

#[test]
fn the_image_is_read_from_a_folder_and_from_an_archive() {
    assert_eq!(read_archive(&Sample::default().build()).expect("an image"), IMAGE);
    assert_eq!(in_folder(|_| {}, read_folder).expect("an image"), IMAGE);
    let archive = tempfile::NamedTempFile::new().expect("a file");
    fs::write(archive.path(), Sample::default().build()).expect("an archive");
    assert_eq!(read_folder(archive.path()).expect("an image"), IMAGE);
}

#[test]
fn a_flipped_bit_in_a_blob_gives_its_file_and_both_digests() {
    for part in ["layer", "config", "manifest"] {
        let file = blob(part);
        let digest = file.replace("blobs/sha256/", "sha256:");
        let bytes = in_folder(|_| {}, |path| fs::read(path.join(&file)).expect("a blob"));
        for at in (0..bytes.len()).step_by(7) {
            let flip = |path: &Path| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                fs::write(path.join(&file), bytes).expect("a blob");
            };
            let error = in_folder(flip, read_folder).expect_err("it is damaged");
            assert_eq!(error.reason(), Reason::NotRunnable);
            let OciError::Differs { file: named, expected, found, .. } = &error else {
                panic!("byte {at} of {part}: {error}");
            };
            assert_eq!((named, expected), (&file, &digest));
            let error = error.to_string();
            assert!(found != expected && error.contains(&digest) && error.contains(found.as_str()));
        }
    }
}

#[test]
fn no_bit_of_an_archive_can_be_another_one_and_run_something_else() {
    let archive = Sample::default().build();
    for at in (0..archive.len()).step_by(3) {
        let mut other = archive.clone();
        other[at] ^= 1 << (at % 8);
        match read_archive(&other) {
            Ok(image) => assert_eq!(image, IMAGE, "byte {at}"),
            Err(error) => assert!(error.to_string().contains("x.tar"), "{error}"),
        }
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let archive = Sample::default().build();
    for length in (0..archive.len()).step_by(7) {
        let error = refused(&archive[..length]);
        assert!(error.contains("x.tar"), "{length}: {error}");
    }
    // Inside of the layer, whose digest is known by then.
    let file = blob("layer");
    let at = archive.windows(file.len()).rposition(|name| name == file.as_bytes());
    let cut = &archive[..at.expect("the layer") + 700];
    let whole = Sample::default();
    // What names it comes behind it here, so that it is not asked for.
    assert!(refused(cut).contains("is missing, because the archive is cut short"));
    let mut files = whole.files();
    files.swap(2, 4);
    let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
    let archive = tar(&files);
    let error = refused(&archive[..archive.len() - 1536]);
    assert!(error.contains(&file) && error.matches("sha256:").count() == 2, "{error}");
}

#[test]
fn a_blob_of_another_length_is_refused() {
    for part in ["layer", "config", "manifest"] {
        let file = blob(part);
        for change in ["", "x"] {
            let lengthen = |path: &Path| {
                let mut bytes = fs::read(path.join(&file)).expect("a blob");
                bytes.pop();
                bytes.extend_from_slice(change.repeat(2).as_bytes());
                fs::write(path.join(&file), bytes).expect("a blob");
            };
            let error = in_folder(lengthen, read_folder).expect_err("another length");
            assert!(matches!(error, OciError::Differs { .. }), "{error}");
        }
    }
    let file = blob("manifest");
    let error = in_folder(|path| fs::remove_file(path.join(&file)).expect("a blob"), read_folder);
    assert!(error.expect_err("no blob").to_string().contains(&format!("{file} of ")));
}

#[test]
fn what_is_no_file_in_a_folder_is_refused_at_once() {
    let file = blob("layer");
    let replace = |path: &Path| {
        fs::remove_file(path.join(&file)).expect("a blob");
        rustix::fs::mkfifoat(rustix::fs::CWD, path.join(&file), rustix::fs::Mode::RUSR)
            .expect("a FIFO");
    };
    let error = in_folder(replace, read_folder).expect_err("a FIFO").to_string();
    assert!(error.contains("not a regular file") && error.contains(&file), "{error}");
    for file in [&file, "index.json"] {
        let link = |path: &Path| {
            let file = path.join(file);
            fs::rename(&file, path.join("elsewhere")).expect("moved");
            std::os::unix::fs::symlink(path.join("elsewhere"), file).expect("a link");
        };
        let error = in_folder(link, read_folder).expect_err("a link").to_string();
        assert!(error.contains("it is a link") && error.contains(file), "{error}");
    }
    let error = read_folder(Path::new("/dev/null")).expect_err("a device").to_string();
    assert!(error.contains("neither a folder nor a file"), "{error}");
    let error = read_folder(Path::new("/nowhere")).expect_err("nothing");
    assert_eq!(error.reason(), Reason::NotFound);
}

#[test]
fn a_layer_with_more_than_plain_files_is_refused() {
    let file = |name| [&header(name, b'0', 5)[..], b"hello", &[0; 507]].concat();
    let end = vec![0; 1024];
    let good = tar(&[("f.elf", b"1")]);
    for (layer, why) in [
        (tar(&[("f.elf", b"1"), ("./f.elf", b"2")]), "the entry \"f.elf\" is there twice"),
        (tar(&[("../f.elf", b"1")]), "\"../f.elf\" has a name"),
        (tar(&[("/f.elf", b"1")]), "\"/f.elf\" has a name"),
        (tar(&[("a/../f.elf", b"1")]), "has a name"),
        (tar(&[("f.elf", b"1"), ("././f.elf", b"2")]), "\"././f.elf\" has a name"),
        (tar(&[("f.elf", b"1"), ("a/./f", b"2")]), "\"a/./f\" has a name"),
        (tar(&[("f.elf", b"1"), ("f.elf/.", b"2")]), "\"f.elf/.\" has a name"),
        (tar(&[("g", b"1")]), "it has no file \"f.elf\""),
        (Vec::new(), "it is cut short"),
        (file("f.elf"), "it is cut short"),
        ([&header("f.elf", b'0', 9)[..], &end[..512]].concat(), "it is cut short"),
        ([&header("f.elf", b'2', 0)[..], &end].concat(), "neither a file nor a folder (type '2')"),
        ([&header("x", b'x', 0)[..], &end].concat(), "--format=ustar"),
        ([&header("f.elf", b'0', u64::MAX >> 31)[..], &end].concat(), "larger than any image"),
        ([&header("g", b'0', u64::MAX >> 31)[..], &end].concat(), "it is cut short"),
        (vec![b'x'; 512], "the header at byte 0 is damaged"),
        (tar(&[("f.elf/", b"1")]), "\"f.elf/\" has a name"),
        ([&good[..good.len() - 512], &good].concat(), "at byte 1024, it goes on"),
        ([&good[..], b"\0x"].concat(), "at byte 1024, it goes on"),
        (good[..good.len() - 512].to_vec(), "it is cut short"),
    ] {
        let error = with_layer(layer);
        assert!(error.contains(why), "{why}: {error}");
    }
    let names: Vec<_> = (0..5000).map(|number| number.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(with_layer(tar(&many)).contains("more than 4096 entries"));
}

#[test]
fn nothing_hides_behind_the_end_of_an_archive() {
    let good = Sample::default().build();
    let end = good.len() - 1024;
    let why = format!("at byte {end}, it goes on with something else than zeros");
    for more in [&good[..], b"x", &[0; 1 << 20]] {
        assert!(refused(&[&good[..], more].concat()).contains(&why));
    }
    // A lone block of zeros, with more files behind it.
    assert!(refused(&[&good[..end + 512], &good].concat()).contains(&why));
    let padded = [&good[..], &[0; 10 << 10]].concat();
    assert_eq!(read_archive(&padded).expect("an image"), IMAGE);
}

#[test]
fn no_message_is_as_long_as_what_it_is_about() {
    let long = "\u{202e}".repeat(100_000);
    let text = |part: Vec<u8>| String::from_utf8(part).expect("text");
    let Sample { layer, config, manifest, index } = Sample::default();
    let (config, manifest, index) = (text(config), text(manifest), text(index));
    let with = |from: &str, to: &str| {
        let put = |text: &str| text.replacen(from, &to.replace("LONG", &long), 1).into_bytes();
        let (config, manifest, index) = (put(&config), put(&manifest), put(&index));
        let error = read_archive(&Sample { layer: layer.clone(), config, manifest, index }.build());
        error.expect_err("it is refused").to_string()
    };
    for (from, to) in [
        ("$MANIFEST", "LONG"),
        ("image.manifest", "LONG"),
        ("image.config", "LONG"),
        ("layer.v1.tar", "layer.v1.tar+LONG"),
        ("$LAYER\"]}", "LONG\"]}"),
        ("/f.elf", "LONG"),
        ("/f.elf", "/LONG"),
        ("$CONFIG_BYTES", "\"LONG\""),
        ("\"schemaVersion\":2,\n", "\"schemaVersion\":2,\"mediaType\":\"LONG\","),
    ] {
        let error = with(from, to);
        assert!(error.contains('…') && error.len() < 8192, "{from}: {error}");
    }
    let store = Store::of(
        &Sample {
            index: index.replace("\"f\"", &format!("\"{long}\"")).into(),
            ..Sample::default()
        }
        .build(),
    );
    let reference = Reference { path: "x.tar".into(), name: Some("g".into()), digest: None };
    let error = read(&store.expect("an archive"), &reference).expect_err("no g").to_string();
    assert!(error.contains('…') && error.len() < 8192, "{error}");
}

#[test]
fn documents_that_lead_elsewhere_are_refused() {
    let manifest = |from: &str, to: &str| {
        let sample = Sample::default();
        let text = String::from_utf8(sample.manifest.clone()).expect("text");
        assert!(text.contains(from), "{from}");
        refused(&Sample { manifest: text.replacen(from, to, 1).into(), ..sample }.build())
    };
    for (from, to, why) in [
        ("layer.v1.tar", "layer.v1.tar+gzip", "compressed (gzip)"),
        ("layer.v1.tar", "layer.v1.tar+zstd", "compressed (zstd)"),
        ("layer.v1.tar", "thing", "must be application/vnd.oci.image.layer.v1.tar"),
        ("config.v1+json", "empty.v1+json", "must be application/vnd.oci.image.config.v1+json"),
        ("\"layers\":[", "\"layers\":[],\"l\":[", "it has 0 layers"),
        ("$LAYER_BYTES", "99999999999", "no more than 768MiB are read"),
        ("$CONFIG_BYTES", "9999999", "no more than 4MiB are read"),
        ("$CONFIG_BYTES", "-1", "invalid value"),
        ("$CONFIG_BYTES", "1", "is damaged"),
        ("\"$LAYER\"", "\"sha256:../../../../etc/passwd\"", "a digest is sha256:"),
        ("\"$LAYER\"", "\"sha512:00\"", "a digest is sha256:"),
        ("$LAYER", &format!("sha256:{}", "0".repeat(64)), "rootfs.diff_ids"),
        ("\"schemaVersion\":2", "\"schemaVersion\":1", "schemaVersion is 1"),
        ("{", &format!("{{\"mediaType\":\"{}\",", names::INDEX), "it is of the type"),
        ("{", "{\"manifests\":[],", "is an index too"),
    ] {
        let error = manifest(from, to);
        assert!(error.contains(why), "{why}: {error}");
    }
    let index = |from: &str, to: &str| {
        let sample = Sample::default();
        let text = String::from_utf8(sample.index.clone()).expect("text").replacen(from, to, 1);
        refused(&Sample { index: text.into(), ..sample }.build())
    };
    assert!(index("image.manifest", "image.index").contains("a further index"));
    assert!(index("$MANIFEST_BYTES", "99999999").contains("no more than 4MiB"));
    assert!(index("{", "{{").contains("index.json of x.tar cannot be used: key must be"));
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    assert!(index("{", &deep).contains("index.json of x.tar cannot be used"));
    for settings in ["", "\"config\":null,", "\"config\":{\"Labels\":null},"] {
        let config = format!("{{{settings}\"rootfs\":{{\"diff_ids\":[\"$LAYER\"]}}}}").into();
        let sample = Sample { config, ..Sample::default() };
        assert!(refused(&sample.build()).contains("no label dev.ampoule.image"), "{settings}");
    }
    let sample = Sample::default();
    let index = String::from_utf8(sample.index.clone()).expect("text");
    let index = index.split_inclusive("\"annotations\":").next().expect("it begins").to_owned();
    let sample = Sample { index: (index + "null}]}").into(), ..sample };
    assert_eq!(read_archive(&sample.build()).expect("an image"), IMAGE);
}

#[test]
fn an_image_is_named_where_there_are_several() {
    let entry = |digest: &str, name: &str| {
        format!(
            r#"{{"mediaType":"{}","digest":"{digest}","size":$MANIFEST_BYTES,
            "annotations":{{"org.opencontainers.image.ref.name":"{name}"}}}}"#,
            names::MANIFEST
        )
    };
    let other = format!("sha256:{}", "a".repeat(64));
    let entries = [entry("$MANIFEST", "f"), entry(&other, "g"), entry("$MANIFEST", "same")];
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    let sample = Sample { index: index.into(), ..Sample::default() };
    let digest = sample.files()[4].0.replace("blobs/sha256/", "sha256:");
    let store = Store::of(&sample.build()).expect("an archive");
    let open = |name: Option<&str>, digest: Option<&str>| {
        let (name, digest) = (name.map(str::to_owned), digest.map(str::to_owned));
        read(&store, &Reference { path: "x.tar".into(), name, digest })
    };
    for (name, pinned) in [
        (Some("f"), None),
        (Some("same"), None),
        (None, Some(digest.as_str())),
        (Some("f"), Some(digest.as_str())),
    ] {
        assert_eq!(open(name, pinned).expect("an image"), IMAGE, "{name:?} {pinned:?}");
    }
    let told = |name, digest, reason, parts: &[&str]| {
        let error = open(name, digest).expect_err("no image");
        assert_eq!(error.reason(), reason, "{error}");
        let error = error.to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
    };
    told(None, None, Reason::BadRequest, &["several images", "oci:x.tar:NAME", "f, g, same"]);
    told(Some("h"), None, Reason::NotFound, &["no image \"h\"", "f, g, same"]);
    told(Some("g"), None, Reason::NotRunnable, &["blobs/sha256/aaaa", "is missing"]);
    told(Some("f"), Some(&other), Reason::NotRunnable, &["another image", &digest, &other]);
    let unknown = format!("sha256:{}", "b".repeat(64));
    told(Some("h"), Some(&other), Reason::NotFound, &["no image \"h\""]);
    told(None, Some(&unknown), Reason::NotFound, &["no image", &unknown]);
}

#[test]
fn of_two_images_of_one_name_the_digest_says_which() {
    let text = String::from_utf8(Sample::default().index).expect("text");
    let (head, entry) = text.split_once("[{").expect("a list");
    let entry = entry.strip_suffix("]}").expect("its end");
    let other = format!("sha256:{}", "a".repeat(64));
    let second = entry.replace("$MANIFEST\"", &format!("{other}\""));
    let index = format!("{head}[{{{entry},{{{second}]}}").into_bytes();
    let sample = Sample { index, ..Sample::default() };
    let digest = sample.files()[4].0.replace("blobs/sha256/", "sha256:");
    let store = Store::of(&sample.build()).expect("an archive");
    let open = |name: Option<&str>, pinned: Option<&String>| {
        let (path, name) = ("x.tar".into(), name.map(str::to_owned));
        read(&store, &Reference { path, name, digest: pinned.cloned() })
    };
    for name in [None, Some("f")] {
        let error = open(name, None).expect_err("either");
        assert_eq!(error.reason(), Reason::NotRunnable);
        let error = error.to_string();
        assert!(error.contains(&digest) && error.contains(&other), "{error}");
        assert_eq!(open(name, Some(&digest)).expect("an image"), IMAGE);
        assert!(open(name, Some(&other)).expect_err("no blob").to_string().contains("is missing"));
    }
}
