//! Images as artifacts: what `cargo xtask dist` makes is there whole or not at all, says what it is, and
//! `ampoule verify` lets nothing else through.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::disks::{self, Disk, MUCH, PAGE_BYTES};
use crate::harness::{Scratch, Suite, launcher, xtask};
use crate::process::{Done, Invocation};
use crate::{data, procfs, tools};

pub fn add(suite: &mut Suite) {
    suite.once("dist::what_is_made_is_verified_and_the_same_again", same_again);
    suite.once("dist::a_flipped_bit_or_a_cut_is_told_with_the_file_and_both_digests", differences);
    suite.once("dist::what_is_missing_or_too_much_gives_126", missing);
    suite.once("dist::only_what_is_signed_with_the_key_is_believed", signatures);
    suite.once("dist::an_image_lists_the_crates_in_it", listed);
    suite.once("dist::other_programs_agree_with_bills_signatures_and_digests", others);
    suite.once("dist::one_that_is_killed_leaves_the_last_one_or_the_new_one", killed);
    suite.once("dist::one_that_has_no_room_leaves_the_last_one", no_room);
    suite.once("dist::several_at_once_do_not_disturb_each_other", several);
}

/// `dist` of a function, of source of this date.
fn dist(out: &str, date: u64, options: &[&str]) -> Invocation {
    let dist = xtask(&[&["dist", "echo", "--out", out], options].concat());
    dist.env("SOURCE_DATE_EPOCH", date.to_string())
}

fn verify(path: &Path, options: &[&str]) -> Done {
    launcher(&[&["verify", path.to_str().expect("text")], options].concat()).run()
}

/// All files below a folder.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies there").to_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// A folder of artifacts in `scratch`, made with these options.
fn made(scratch: &Scratch, options: &[&str]) -> PathBuf {
    let path = scratch.path("dist");
    dist(&path.display().to_string(), 1, options).run().expect(0);
    path
}

/// A key in `scratch`, and the public one that belongs to it.
fn keys(scratch: &Scratch, name: &str) -> [String; 2] {
    let path = |extension: &str| scratch.path(&format!("{name}.{extension}")).display().to_string();
    let (secret, public) = (path("key"), path("pub"));
    for arguments in [
        &["genpkey", "-algorithm", "ed25519", "-out", &secret][..],
        &["pkey", "-in", &secret, "-pubout", "-out", &public],
    ] {
        let mut command = Command::new("openssl");
        command.args(arguments);
        Invocation::new(command).run().expect(0);
    }
    [secret, public]
}

fn same_again() {
    let scratch = Scratch::new();
    let [secret, public] = keys(&scratch, "release");
    let path = made(&scratch, &["--sign", &secret]);
    let first = snapshot(&path);
    let names: Vec<_> = first.keys().map(|name| name.display().to_string()).collect();
    let expected = [
        "SHA256SUMS",
        "SHA256SUMS.dsse.json",
        "echo/echo.cdx.json",
        "echo/echo.debug",
        "echo/echo.elf",
        "echo/echo.intoto.dsse.json",
        "echo/echo.intoto.json",
        "echo/manifest.json",
    ];
    assert_eq!(names, expected);
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(&path);
    Invocation::new(sums).run().expect(0).silent();
    for (inner, told) in
        [("", "echo 0.1.0, 8 files"), ("echo", "echo 0.1.0, 6 files"), ("echo/echo.elf", "1 file")]
    {
        let done = verify(&path.join(inner), &["--key", &public]).expect(0).silent();
        assert!(done.text().contains(told) && done.text().contains("signed"), "{done:?}");
    }
    let passed_on = xtask(&["verify", path.to_str().expect("text")]).run().expect(0);
    assert!(passed_on.text().contains("8 files"), "{passed_on:?}");
    let help = xtask(&["verify", "--help"]).run().expect(0);
    assert!(help.text().contains("Usage: cargo xtask verify "), "{help:?}");
    let image = fs::read(tools::get().image("echo")).expect("the image");
    assert!(first[Path::new("echo/echo.elf")] == image, "another image than `build-fn` makes");
    made(&scratch, &["--sign", &secret]);
    assert!(snapshot(&path) == first, "the same source gives something else");
    let manifest: Value =
        serde_json::from_slice(&first[Path::new("echo/manifest.json")]).expect("JSON");
    assert_eq!(manifest["schema"], "ampoule/manifest/1");
    assert_eq!(manifest["source_date"], "1970-01-01T00:00:01Z");
}

/// Checks that a change is told with the file, and with what it should be and is.
#[track_caller]
fn expect_told(root: &Path, path: &Path, good: &[u8], bad: &[u8]) {
    fs::write(path, bad).expect("written");
    let done = verify(root, &[]).expect(126);
    let is_list = path.ends_with("SHA256SUMS");
    // A change in the list is one of what it says of another file, or of the list.
    let name = if is_list { "" } else { path.to_str().expect("text") };
    let digest = |bytes: &[u8]| format!("sha256:{}", data::sha256(bytes));
    let (expected, found) = match is_list {
        true => (String::from("expected "), String::from("found ")),
        false => (format!("expected {}", digest(good)), format!("found {}", digest(bad))),
    };
    done.says(&[name, &expected, &found, "sha256:"]);
    fs::write(path, good).expect("written");
}

fn differences() {
    /// Of files that are long, so many places.
    const PLACES: usize = 60;
    let scratch = Scratch::new();
    let root = made(&scratch, &[]);
    for name in [
        "echo/manifest.json",
        "SHA256SUMS",
        "echo/echo.elf",
        "echo/echo.debug",
        "echo/echo.cdx.json",
        "echo/echo.intoto.json",
    ] {
        let path = root.join(name);
        let good = fs::read(&path).expect("a file");
        let every = if name.ends_with("manifest.json") { 1 } else { good.len() / PLACES };
        for at in (0..good.len()).step_by(every.max(1)).chain([good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            expect_told(&root, &path, &good, &bad);
        }
        for length in (0..good.len()).step_by(good.len() / 10) {
            expect_told(&root, &path, &good, &good[..length]);
        }
    }
    verify(&root, &[]).expect(0);
}

fn missing() {
    let scratch = Scratch::new();
    let root = made(&scratch, &[]);
    let names: Vec<_> = snapshot(&root).into_keys().collect();
    for name in names.iter().filter(|name| !name.ends_with("SHA256SUMS")) {
        let path = root.join(name);
        let aside = scratch.path("aside");
        fs::rename(&path, &aside).expect("moved");
        let name = name.to_str().expect("text");
        for whole in [&root, &root.join("echo")] {
            verify(whole, &[]).expect(126).says(&[name, "expected sha256:", "found nothing"]);
        }
        fs::rename(&aside, &path).expect("moved back");
    }
    fs::write(root.join("echo/more"), "").expect("written");
    verify(&root, &[]).expect(126).says(&["echo/more", "expected nothing", "found sha256:"]);
    verify(&scratch.path("nothing"), &[]).expect(127).says(&["nothing", "cargo xtask dist"]);
    let done = verify(&root.join("SHA256SUMS"), &[]).expect(126);
    assert_eq!(done.stderr.matches("it is not an ELF file").count(), 1, "{done:?}");
    let others = dist(&root.display().to_string(), 2, &[]).run();
    disks::expect_failure(others, &["\"echo/more\"", "--out"]);
}

fn signatures() {
    let scratch = Scratch::new();
    let [secret, public] = keys(&scratch, "release");
    let [other_secret, other] = keys(&scratch, "other");
    let root = made(&scratch, &["--sign", &secret]);
    let paths = ["", "echo", "echo/echo.elf"].map(|inner| root.join(inner));
    for path in &paths {
        verify(path, &["--key", &public]).expect(0).silent();
        let done = verify(path, &["--key", &other]).expect(126);
        done.says(&["dsse.json is not signed as asked", "made with the key"]);
    }
    for no_key in [secret.as_str(), "/nowhere/key", "/dev/null"] {
        verify(&root, &["--key", no_key]).expect(125).says(&["key", no_key]);
    }
    let out = root.display().to_string();
    for no_key in [public.as_str(), "/nowhere/key"] {
        disks::expect_failure(dist(&out, 1, &["--sign", no_key]).run(), &["key", no_key]);
    }
    // Somebody else's whole release, which is as it should be but for who has signed it.
    for (options, told) in
        [(&["--sign", &*other_secret][..], "is not signed as asked"), (&[], "is not there")]
    {
        made(&scratch, options);
        for path in &paths {
            verify(path, &[]).expect(0);
            verify(path, &["--key", &public]).expect(126).says(&["dsse.json", told]);
        }
    }
}

fn listed() {
    let image = tools::get().image("echo").display().to_string();
    let done = xtask(&["inspect", &image, "--json"]).run().expect(0);
    let report: Value = serde_json::from_str(done.text()).expect("JSON");
    let linked = report["linked"].as_array().expect("a list of crates");
    let has = |name: &str| linked.iter().any(|it| it["name"] == name && it["version"].is_string());
    // Its own, the runtime, and what that needs on bare metal only.
    for name in ["echo", "ampoule", "ampoule-abi", "virtio-drivers"] {
        assert!(has(name), "no {name} in {linked:?}");
    }
    // What the compiler runs, and what programs of the host need.
    for name in ["thiserror-impl", "getrandom", "libc"] {
        assert!(!has(name), "{name} in {linked:?}");
    }
    let text = xtask(&["inspect", &image]).run().expect(0);
    assert!(text.text().contains(&format!("Lists       {} crates", linked.len())), "{text:?}");
}

/// See `tests/independent/artifacts.py`.
fn others() {
    const SCRIPT: &str = "tests/independent/artifacts.py";
    const PACKAGE: &str = "cyclonedx-python-lib[json-validation]";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cyclonedx");
    let python = folder.join("bin/python3");
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(tools::root());
        Invocation::new(command).patience(Duration::from_secs(300)).run()
    };
    let scratch = Scratch::new();
    let [secret, public] = keys(&scratch, "release");
    let root = made(&scratch, &["--sign", &secret]).display().to_string();
    let check = || run(&python, &[SCRIPT, &root, &public]);
    let mut done = python.is_file().then(check);
    if done.as_ref().is_none_or(|done| done.status == 77) {
        let shown = folder.display().to_string();
        let made = run("python3".as_ref(), &["-m", "venv", &shown]);
        let got = run(&python, &["-m", "pip", "install", "--quiet", PACKAGE]);
        if made.status != 0 || got.status != 0 {
            eprintln!("skipped: bills by the official schema: no {PACKAGE}: {got:?}");
            return;
        }
        done = Some(check());
    }
    let done = done.expect("it was run").expect(0);
    assert!(done.text().starts_with("echo: "), "{done:?}");
}

/// How many files there are below the folders that are being made beside one, and whether any is.
fn unfinished(scratch: &Scratch) -> Option<usize> {
    let names = scratch.names();
    let folder = names.iter().find(|name| name.starts_with(".unfinished-"))?;
    let mut count = 0;
    let mut folders = vec![scratch.path(folder)];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { count += 1 }
        }
    }
    Some(count)
}

/// Watches until so many files are written, or it has ended.
fn wait_for_files(scratch: &Scratch, process: Pid, files: usize) {
    while unfinished(scratch).is_none_or(|count| count < files) {
        if procfs::wait_for_end(process, Duration::ZERO) {
            return;
        }
    }
}

fn killed() {
    const KILLS: u32 = 20;
    let scratch = Scratch::new();
    let path = made(&scratch, &[]);
    let out = path.display().to_string();
    let old = snapshot(&path);
    let began = Instant::now();
    dist(&out, 2, &[]).run().expect(0);
    let whole = began.elapsed();
    let states = [old, snapshot(&path)];
    let (mut now, mut left, mut untouched) = (1, 0, 0);
    for kill in 0..KILLS {
        let next = 1 - now;
        let mut running = dist(&out, next as u64 + 1, &[]).spawn();
        let pid = running.pid();
        // Half of them spread over its time, half over the files that it writes.
        match kill % 2 {
            0 => drop(procfs::wait_for_end(pid, whole * kill / KILLS)),
            _ => wait_for_files(&scratch, pid, kill as usize / 2),
        }
        running.signal(Signal::KILL);
        drop(running.finish());
        let found = snapshot(&path);
        assert!(states.contains(&found), "after kill {kill} it is neither the old nor the new one");
        untouched += u32::from(found == states[now]);
        now = usize::from(found == states[1]);
        let names = scratch.names();
        assert!(names.len() <= 2, "after kill {kill} more than one is left: {names:?}");
        left += names.len() - 1;
    }
    assert!(
        untouched >= KILLS / 2 && left > 0,
        "{untouched} of {KILLS} came early, {left} in between"
    );
    dist(&out, 2, &[]).run().expect(0);
    assert_eq!(scratch.names(), ["dist"], "what the dead left is still there");
    assert!(snapshot(&path) == states[1]);
}

fn no_room() {
    const SIZES: u64 = 20;
    let scratch = Scratch::new();
    let mut disk = Disk::new(scratch.path("disk"), MUCH);
    let (out, folder) = (disk.path("dist"), disk.outside("dist"));
    let make = |disk: &mut Disk, date| disk.hold(dist(&out, date, &[])).run();
    make(&mut disk, 1).expect(0);
    let old = snapshot(&folder);
    let used: u64 = old.values().map(|bytes| (bytes.len() as u64).div_ceil(PAGE_BYTES)).sum();
    let expect_old = |disk: &mut Disk| {
        assert!(snapshot(&disk.outside("dist")) == old, "it is not as it was");
        assert_eq!(disk.names(""), ["dist".to_owned()].into());
    };
    for size in 0..SIZES {
        let pages = used + used * size / SIZES;
        disk.remount(&format!("size={}", pages * PAGE_BYTES));
        let done = make(&mut disk, 2);
        disks::expect_failure(done, &["/dist", disks::FULL, "make room"]);
        expect_old(&mut disk);
    }
    disk.remount(&format!("{MUCH},ro"));
    disks::expect_failure(make(&mut disk, 2), &["/dist", disks::READ_ONLY, "able to write"]);
    expect_old(&mut disk);
    disk.remount("rw");
    make(&mut disk, 2).expect(0);
    assert!(snapshot(&disk.outside("dist")) != old);
    assert_eq!(disk.names(""), ["dist".to_owned()].into());
}

fn several() {
    let scratch = Scratch::new();
    let path = made(&scratch, &[]);
    let out = path.display().to_string();
    let running: Vec<_> = (0..4).map(|date| dist(&out, date, &[]).spawn()).collect();
    for one in running {
        one.finish().expect(0);
    }
    verify(&path, &[]).expect(0);
    assert_eq!(scratch.names(), ["dist"]);
}
