use std::fs;

use ed25519_dalek::{Signer, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::artifact::manifest::{File, SCHEMA, Settings, Toolchain};
use crate::image::sample::Sample;

const NAME: &str = "sample";

/// A folder of artifacts, changed before it is sealed.
struct Release {
    manifest: Manifest,
    /// What becomes of the files that it lists.
    change: fn(&mut Vec<File>),
    /// Signed with this.
    secret: Option<SigningKey>,
}

impl Default for Release {
    fn default() -> Self {
        let note = Sample::default().note.expect("it has one");
        let manifest = Manifest {
            schema: SCHEMA.into(),
            name: note.name,
            version: note.version,
            description: None,
            abi_version: note.abi_version,
            settings: Settings {
                memory_bytes: note.memory_bytes,
                stack_bytes: note.stack_bytes,
                timeout_ms: None,
                event_modes: Vec::new(),
                capabilities: Vec::new(),
            },
            toolchain: Toolchain {
                rustc: "rustc 1".into(),
                host: "host".into(),
                target: "target".into(),
                profile: "fn".into(),
            },
            source: None,
            source_date: "1970-01-01T00:00:00Z".into(),
            files: Vec::new(),
        };
        Self { manifest, change: |_| {}, secret: None }
    }
}

fn key(secret: &SigningKey) -> Key {
    secret.verifying_key().into()
}

impl Release {
    fn signed() -> Self {
        Self { secret: Some(SigningKey::from_bytes(&[1; 32])), ..Self::default() }
    }

    fn key(&self) -> Key {
        key(self.secret.as_ref().expect("it is signed"))
    }

    fn seal(&self, kind: &str, payload: &[u8]) -> Option<Vec<u8>> {
        let secret = self.secret.as_ref()?;
        let envelope = Envelope::seal(kind, payload, &key(secret), |bytes| secret.sign(bytes));
        Some(serde_json::to_vec(&envelope).expect("JSON"))
    }

    fn write(mut self) -> TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join(NAME);
        fs::create_dir(&folder).expect("made");
        let mut sums = Sums::new();
        let mut put = |name: &str, bytes: &[u8]| {
            fs::write(folder.join(name), bytes).expect("written");
            sums.insert(name.to_owned(), Digest::of(bytes));
            sums.clone()
        };
        for (name, bytes) in
            [("sample.elf", Sample::default().build()), ("sample.debug", b"twin".to_vec())]
        {
            put(name, &bytes);
            let (path, sha256) = (name.to_owned(), Digest::of(&bytes));
            self.manifest.files.push(File { path, bytes: bytes.len() as u64, sha256 });
        }
        (self.change)(&mut self.manifest.files);
        let manifest = serde_json::to_vec(&self.manifest).expect("JSON");
        let stated = put(MANIFEST, &manifest);
        let statement = serde_json::to_vec(&Statement::about(stated, 7)).expect("JSON");
        let mut sums = put("sample.intoto.json", &statement);
        if let Some(envelope) = self.seal(PAYLOAD_TYPE, &statement) {
            sums = put("sample.intoto.dsse.json", &envelope);
        }
        let sums = sums.into_iter().map(|(name, digest)| (format!("{NAME}/{name}"), digest));
        let text = sums::write(&sums.collect());
        fs::write(root.path().join(SUMS), &text).expect("written");
        if let Some(envelope) = self.seal(SUMS_PAYLOAD_TYPE, text.as_bytes()) {
            fs::write(root.path().join(SUMS_ENVELOPE), envelope).expect("written");
        }
        root
    }
}

/// The paths of all files below a folder.
fn paths(folder: &Path) -> Vec<String> {
    Files::of(folder).expect("a folder").paths().cloned().collect()
}

#[track_caller]
fn refused(path: &Path, key: Option<&Key>, parts: &[&str]) {
    let error = verify(path, key).expect_err("a difference").to_string();
    for part in parts {
        assert!(error.contains(part), "no {part:?} in {error:?}");
    }
}

#[test]
fn what_is_as_it_should_be_is_verified() {
    let root = Release::default().write();
    let verified = |path: &str| verify(&root.path().join(path), None).expect(path);
    let by = |path: &str| {
        let checks = verified(path).alone.expect("it is alone");
        assert!(!checks.is_bundle && !checks.is_sealed, "{checks:?}");
        checks.by
    };
    let function = vec!["sample 1.2.3".to_owned()];
    assert_eq!(verified(""), Verified { functions: function.clone(), files: 5, alone: None });
    assert_eq!(verified("sample"), Verified { functions: function, files: 4, alone: None });
    assert_eq!(by("sample/sample.elf"), [MANIFEST, SUMS]);
    // A function's folder stands on its own, and so does an image.
    fs::remove_file(root.path().join(SUMS)).expect("removed");
    verified("sample");
    for name in [MANIFEST, "sample.intoto.json"] {
        fs::remove_file(root.path().join(NAME).join(name)).expect("removed");
    }
    assert!(by("sample/sample.elf").is_empty());
    refused(&root.path().join(NAME), None, &["neither SHA256SUMS nor manifest.json"]);
    refused(&root.path().join("nothing"), None, &["nothing at", "cargo xtask dist"]);
}

#[test]
fn a_flipped_bit_or_a_cut_is_told_with_both_digests() {
    let root = Release::default().write();
    let paths = paths(root.path());
    assert_eq!(paths.len(), 5);
    for path in paths {
        let path = root.path().join(path);
        let good = fs::read(&path).expect("a file");
        let every = if path.ends_with(MANIFEST) || path.ends_with(SUMS) { 1 } else { 7 };
        for at in (0..good.len()).step_by(every) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).expect("written");
            let error = verify(root.path(), None).expect_err("a difference");
            let VerifyError::Differs { path: told, expected, found, .. } = &error else {
                panic!("byte {at} of {}: {error}", path.display());
            };
            let is_list = path.ends_with(SUMS);
            assert!(is_list || *told == path, "byte {at} of {}: {error}", path.display());
            let is_real = *found == Some(Digest::of(&bad)) || is_list;
            assert!(is_real && expected != found, "byte {at} of {}: {error}", path.display());
        }
        for length in (0..good.len()).step_by(13) {
            fs::write(&path, &good[..length]).expect("written");
            let error = verify(root.path(), None).expect_err("a difference");
            assert!(matches!(error, VerifyError::Differs { .. }), "{length}: {error}");
        }
        fs::write(&path, &good).expect("written");
    }
    verify(root.path(), None).expect("it is whole again");
}

#[test]
fn what_is_missing_and_what_is_too_much_is_told() {
    for path in ["sample/sample.debug", "sample/manifest.json", "sample/sample.intoto.json"] {
        for whole in ["", NAME] {
            let root = Release::default().write();
            fs::remove_file(root.path().join(path)).expect("removed");
            refused(&root.path().join(whole), None, &[path, "expected sha256:", "found nothing"]);
        }
    }
    for path in ["more", "sample/more", "sample/deep/more"] {
        let root = Release::default().write();
        let path_there = root.path().join(path);
        fs::create_dir_all(path_there.parent().expect("a folder")).expect("made");
        fs::write(path_there, "").expect("written");
        refused(root.path(), None, &[path, "expected nothing", "found sha256:"]);
    }
    let root = Release::default().write();
    fs::write(root.path().join("sample/\x1b[2J\n\u{202e}"), "").expect("written");
    refused(root.path(), None, &[r"sample/\u{1b}[2J\n\u{202e} is not what", "expected nothing"]);
    let root = Release::default().write();
    std::os::unix::fs::symlink("sample.elf", root.path().join("sample/link")).expect("made");
    refused(root.path(), None, &["sample/link is not a regular file"]);
    let root = Release::default().write();
    fs::create_dir_all(root.path().join("sample/empty/inner")).expect("made");
    for path in ["", NAME] {
        refused(&root.path().join(path), None, &["sample/empty/inner is a folder without files"]);
    }
}

#[test]
fn a_list_without_a_function_is_no_release() {
    let root = tempfile::tempdir().expect("a folder");
    fs::write(root.path().join("evil.sh"), "").expect("written");
    let list = format!("{}  evil.sh\n", Digest::of(b"").hexadecimal());
    fs::write(root.path().join(SUMS), list).expect("written");
    refused(root.path(), None, &["SHA256SUMS lists nothing of a function"]);
}

#[test]
fn what_others_have_beside_an_image_is_no_difference() {
    let root = Release::default().write();
    let image = root.path().join("sample/sample.elf");
    let by = || verify(&image, None).expect("an image").alone.expect("alone").by;
    let list = root.path().join(SUMS);
    let text = fs::read_to_string(&list).expect("a list");
    fs::write(&list, text.replace("  ", " *")).expect("written");
    assert_eq!(by(), [MANIFEST, SUMS]);
    for other in ["{\"name\":\"sample\"}", "[]", "no JSON"] {
        fs::write(root.path().join("sample/manifest.json"), other).expect("written");
        assert_eq!(by(), [SUMS], "{other}");
    }
    // A newer one is ours.
    let newer = "{\"schema\":\"ampoule/manifest/2\"}";
    fs::write(root.path().join("sample/manifest.json"), newer).expect("written");
    refused(&image, None, &["manifest.json", "cannot be believed"]);
}

#[test]
fn an_image_is_looked_for_under_the_name_that_was_given() {
    let release = Release::signed();
    let (key, root) = (release.key(), release.write());
    let link = root.path().join("wc.elf");
    std::os::unix::fs::symlink("sample/sample.elf", &link).expect("made");
    refused(&link, None, &["wc.elf is not a regular file with a name in UTF-8 (a link is none)"]);
    refused(&link, Some(&key), &["wc.intoto.dsse.json is not there"]);
}

#[test]
fn the_signature_comes_before_what_is_long() {
    const HUGE: u64 = 1 << 40;
    let release = Release::signed();
    let (key, root) = (release.key(), release.write());
    let other = self::key(&SigningKey::from_bytes(&[2; 32]));
    for file in ["sample/sample.debug", "sample/sample.elf"] {
        let file = fs::File::options().write(true).open(root.path().join(file)).expect("a file");
        file.set_len(HUGE).expect("as long");
    }
    for path in ["", "sample", "sample/sample.elf"] {
        let path = root.path().join(path);
        refused(&path, Some(&other), &["dsse.json is not signed as asked"]);
        refused(&path, Some(&key), &["it is longer than 1GiB"]);
        refused(&path, None, &["it is longer than 1GiB"]);
    }
    let list = fs::File::options().write(true).open(root.path().join(SUMS)).expect("a file");
    list.set_len((4 << 20) + 1).expect("as long");
    refused(root.path(), None, &["it is longer than 4MiB"]);
}

#[test]
fn checksums_around_that_say_nothing_of_it_are_a_difference() {
    for path in ["sample", "sample/sample.elf"] {
        let root = Release::default().write();
        let (path, list) = (root.path().join(path), root.path().join(SUMS));
        fs::write(&list, "no list").expect("written");
        refused(&path, None, &["SHA256SUMS (sha256:", "line 1, \"no list\""]);
        fs::remove_file(&list).expect("removed");
        fs::create_dir(&list).expect("made");
        refused(&path, None, &["SHA256SUMS is not a regular file"]);
    }
    let root = Release::default().write();
    let line = |name: &str| format!("{}  {name}\n", Digest::of(b"").hexadecimal());
    fs::write(root.path().join(SUMS), line("other/file")).expect("written");
    refused(&root.path().join(NAME), None, &["manifest.json is not", "expected nothing"]);
    fs::write(root.path().join(SUMS), line("sample/file")).expect("written");
    refused(&root.path().join("sample/sample.elf"), None, &["SHA256SUMS says: expected nothing"]);
    fs::remove_file(root.path().join("sample/manifest.json")).expect("removed");
    std::os::unix::fs::symlink("/", root.path().join("sample/manifest.json")).expect("made");
    refused(&root.path().join("sample/sample.elf"), None, &["manifest.json is not a regular"]);
}

#[test]
fn a_manifest_lists_each_file_once_with_its_length() {
    type Change = fn(&mut Vec<File>);
    let changes: [(&str, Change); 2] = [
        ("it lists one file twice", |files| files.push(files[0].clone())),
        ("\"sample.elf\" has ", |files| files[0].bytes += 1),
    ];
    for (part, change) in changes {
        let root = Release { change, ..Release::default() }.write();
        for path in ["", NAME, "sample/sample.elf"] {
            refused(&root.path().join(path), None, &["manifest.json (sha256:", part]);
        }
    }
}

/// The rest agrees with a manifest that was changed before it was sealed.
#[test]
fn an_image_and_its_manifest_agree() {
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 5] = [
        ("memory", |it| it.settings.memory_bytes += 1),
        ("timeout", |it| it.settings.timeout_ms = Some(5)),
        ("version", |it| it.version = "9.9.9".into()),
        ("schema", |it| it.schema = "ampoule/manifest/2".into()),
        ("name of a function", |it| it.name = "../sample".into()),
    ];
    for (part, change) in changes {
        let mut release = Release::default();
        change(&mut release.manifest);
        let root = release.write();
        for path in ["", NAME] {
            refused(&root.path().join(path), None, &[part]);
        }
    }
}

#[test]
fn with_a_key_nothing_is_believed_that_is_not_signed_with_it() {
    let release = Release::signed();
    let (key, other) = (release.key(), key(&SigningKey::from_bytes(&[2; 32])));
    let root = release.write();
    for path in ["", "sample", "sample/sample.elf"] {
        let path = root.path().join(path);
        verify(&path, Some(&key)).expect("it is signed");
        verify(&path, None).expect("nobody has asked who signed it");
        refused(&path, Some(&other), &["dsse.json is not signed as asked", &other.id()]);
    }
    let unsigned = Release::default().write();
    for path in ["", "sample", "sample/sample.elf"] {
        refused(&unsigned.path().join(path), Some(&key), &["dsse.json is not there", "--sign"]);
    }
}

/// Somebody who has no key makes everything agree again after a change.
#[test]
fn what_was_sealed_anew_without_the_key_is_refused() {
    let release = Release::signed();
    let (key, root) = (release.key(), release.write());
    let mut forged =
        Release { secret: Some(SigningKey::from_bytes(&[2; 32])), ..Release::default() };
    forged.manifest.description = Some("another".into());
    let forged = forged.write();
    for name in paths(forged.path()).iter().filter(|name| !name.ends_with("dsse.json")) {
        fs::copy(forged.path().join(name), root.path().join(name)).expect("copied");
    }
    refused(root.path(), Some(&key), &["SHA256SUMS is not what SHA256SUMS.dsse.json says"]);
    let folder = root.path().join(NAME);
    fs::remove_file(root.path().join(SUMS)).expect("removed");
    refused(&folder, Some(&key), &["sample.intoto.json is not what its envelope says"]);
    refused(&folder, None, &["sample.intoto.json is not what its envelope says"]);
    // The image is the same in both, and signed.
    let image = folder.join("sample.elf");
    fs::remove_file(folder.join(MANIFEST)).expect("removed");
    verify(&image, Some(&key)).expect("it is signed");
    fs::write(&image, Sample { entry: 0x10_1001, ..Sample::default() }.build()).expect("written");
    refused(&image, Some(&key), &["the signed statement", "expected sha256:", "found sha256:"]);
}

/// What an image is said to be checked by has been.
#[test]
fn beside_a_signed_image_only_what_is_signed_counts() {
    const STATEMENT: &str = "the signed statement about it";
    let release = Release::signed();
    let (key, root) = (release.key(), release.write());
    let image = root.path().join("sample/sample.elf");
    let by = || verify(&image, Some(&key)).expect("an image").alone.expect("alone").by;
    assert_eq!(by(), [STATEMENT, MANIFEST, SUMS]);
    let list = root.path().join(SUMS);
    let good = fs::read_to_string(&list).expect("a list");
    let forged = format!("{}  sample/more\n{good}", Digest::of(b"").hexadecimal());
    fs::write(&list, &forged).expect("written");
    for path in [NAME, "sample/sample.elf"] {
        let path = root.path().join(path);
        refused(&path, Some(&key), &["SHA256SUMS is not what SHA256SUMS.dsse.json says"]);
    }
    fs::remove_file(root.path().join(SUMS_ENVELOPE)).expect("removed");
    assert_eq!(by(), [STATEMENT, MANIFEST]);
    verify(&root.path().join(NAME), Some(&key)).expect("what is signed of it is as it should be");
    let manifest = root.path().join("sample/manifest.json");
    let mut text = fs::read(&manifest).expect("a manifest");
    text.push(b'\n');
    fs::write(&manifest, text).expect("written");
    refused(&image, Some(&key), &["manifest.json is not what the signed statement"]);
}
