//! A program of somebody else's that includes a function: `boot/embed/example`, copied elsewhere, with this
//! project as its dependency by git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{Scratch, Suite};
use crate::matrix::Backend;
use crate::process::Invocation;
use crate::reproducible::{copy, link_downloads};
use crate::tools;

/// Longer than compiling program, builder and function takes.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Where the directory of an archive is told to be, from the archive's end.
const DIRECTORY_FROM_END: usize = 6;

pub fn add(suite: &mut Suite) {
    let backends = suite.backends().to_vec();
    let name = "embed::a_program_elsewhere_reads_archives_in_a_machine_and_outlives_hostile_ones";
    suite.once(name, move || program(&backends));
}

fn program(backends: &[Backend]) {
    let scratch = Scratch::new();
    // Elsewhere, but what is compiled is kept for the next time.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed");
    let (folder, target) = (place.join("program"), place.join("target"));
    fresh(&folder);
    copy(&tools::root().join("boot/embed/example"), &folder);
    depend_by_git(&folder, &clone(&place));
    let cargo_home = place.join("cargo-home");
    if !cargo_home.exists() {
        fs::create_dir(&cargo_home).expect("a folder");
        link_downloads(&cargo_home);
    }
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(tools::cargo());
        command.args(arguments).current_dir(&folder).env("CARGO_HOME", &cargo_home);
        command.env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
        Invocation::new(command).patience(PATIENCE).run()
    };
    cargo(&["build"]).expect(0);
    let again = cargo(&["build"]).expect(0);
    assert!(!again.stderr.contains("Compiling"), "nothing has changed: {again:?}");
    let lszip = target.join("debug/lszip");
    for &backend in backends {
        lists(&lszip, backend, &scratch);
    }
    let source = folder.join("reader/src/main.rs");
    let text = fs::read_to_string(&source).expect("the source");
    fs::write(&source, text.replace("fn list()", "fn lost()")).expect("written");
    let broken = cargo(&["build"]).expect(101);
    for part in ["cannot find value `list`", "the function \"zip-reader\" cannot be built"] {
        assert!(broken.stderr.contains(part), "no {part:?} in {broken:?}");
    }
}

fn lists(lszip: &Path, backend: Backend, scratch: &Scratch) {
    let monitor = match backend {
        Backend::Kvm => "builtin",
        Backend::QemuKvm => "qemu-kvm",
        Backend::QemuTcg => "qemu-tcg",
    };
    let (good, hostile, text) =
        (scratch.path("good.zip"), scratch.path("hostile.zip"), scratch.path("text.zip"));
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "-c"]).arg(&good).args(["cars.json", "airports.csv"]);
    zip.current_dir(tools::root().join("tests/data"));
    Invocation::new(zip).run().expect(0);
    let mut bytes = fs::read(&good).expect("an archive");
    let at = bytes.len() - DIRECTORY_FROM_END;
    bytes[at..at + 4].fill(0xff);
    fs::write(&hostile, bytes).expect("written");
    fs::write(&text, "no archive, though it is long enough to be one\n").expect("written");
    let mut command = Command::new(lszip);
    // The good one comes last: what was hostile has done this process no harm.
    command.args([&hostile, &text, &good]).env("LSZIP_MONITOR", monitor);
    let done = Invocation::new(command).run().expect(65);
    let length = |name: &str| fs::metadata(tools::root().join("tests/data").join(name));
    for name in ["cars.json", "airports.csv"] {
        let line = format!("{:>10}  {name}\n", length(name).expect("data").len());
        assert!(done.text().contains(&line), "no {line:?} in {done:?}");
    }
    for part in
        ["hostile.zip: malformed or hostile: ", "panicked", "text.zip: ", "not a ZIP archive"]
    {
        assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
    }
}

/// Removes a folder of an earlier run.
fn fresh(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("removed");
    }
    fs::create_dir_all(folder.parent().expect("a folder around it")).expect("a folder");
}

/// The project's sources as a repository of their own, whose commit follows from them alone.
fn clone(place: &Path) -> PathBuf {
    let clone = place.join("ampoule");
    fresh(&clone);
    copy(tools::root(), &clone);
    let identity = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"];
    for arguments in
        [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "-m", "all"]]
    {
        let mut git = Command::new("git");
        git.args(identity).args(arguments).current_dir(&clone);
        git.envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, "2000-01-01T00:00Z")));
        Invocation::new(git).run().expect(0);
    }
    clone
}

/// Has a program's packages take ours from a repository instead of the folders around.
fn depend_by_git(program: &Path, repository: &Path) {
    let git = format!("git = \"file://{}\"", repository.display());
    for manifest in ["Cargo.toml", "reader/Cargo.toml"] {
        let path = program.join(manifest);
        let mut text = fs::read_to_string(&path).expect("a manifest");
        for folder in ["../../../../runtime-lib", "../..", ".."] {
            text = text.replace(&format!("path = \"{folder}\""), &git);
        }
        assert!(text.contains(&git) && !text.contains("path = "), "{text}");
        fs::write(&path, text).expect("written");
    }
}
