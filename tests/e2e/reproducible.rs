//! The same sources give the same bytes, wherever, whenever and by whomever they are built.
//!
//! One function is built twice by `build-fn --verify-reproducible`. With `AMPOULE_TEST_REPRODUCIBLE=all`,
//! or names of functions, those are built eight times, in eight surroundings.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ampoule_abi::seal;
use rustix::process::Signal;
use serde_json::Value;

use crate::data::sha256;
use crate::harness::{Scratch, Suite, xtask};
use crate::process::Invocation;
use crate::{procfs, tools};

/// Which functions are to be built in all surroundings.
const CHOICE: &str = "AMPOULE_TEST_REPRODUCIBLE";

/// A user who owns nothing.
const NOBODY: &str = "65534";

/// Longer than eight builds take.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

pub fn add(suite: &mut Suite) {
    suite.once("reproducible::a_function_is_the_same_elsewhere", same_elsewhere);
    suite.once("reproducible::a_difference_is_told_with_its_place_and_both_digests", difference);
    suite.once("reproducible::one_that_is_told_to_end_leaves_nothing_elsewhere", interrupted);
    if let Some(choice) = std::env::var_os(CHOICE) {
        let choice = choice.into_string().expect("names are text");
        suite.once("reproducible::eight_surroundings_give_the_same_bytes", move || eight(&choice));
    }
}

fn same_elsewhere() {
    let verify = ["build-fn", "echo", "--verify-reproducible", "--message-format", "json"];
    let done = xtask(&verify).patience(PATIENCE).run().expect(0);
    let report: Value = serde_json::from_str(done.text()).expect("JSON");
    assert_eq!(report["reproduced"], true, "{done:?}");
    for part in ["umask 077", "CARGO_HOME", "TZ=", "Not varied", "image and twin are the same"] {
        assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
    }
}

/// A build script that looks at what an image must not depend on.
const SCRIPT: &str = r#"fn main() {
    let is_away = std::env::var_os("TZ").is_some_and(|zone| zone == "Pacific/Kiritimati");
    println!("cargo::rustc-env=WORD={}", if is_away { "away" } else { "here" });
}
"#;

const SOURCE: &str = r#"#![cfg_attr(ampoule_guest, no_std, no_main)]
ampoule::main!(say);
fn say() -> ampoule::prelude::Result {
    ampoule::println!("{}", env!("WORD"));
    Ok(())
}
"#;

fn difference() {
    let scratch = Scratch::new();
    let folder = scratch.path("fresh");
    let shown = folder.display().to_string();
    xtask(&["new", "fresh", "--template", "bytes", "--path", &shown]).run().expect(0);
    // What differs is a word in the image, and nothing else.
    fs::write(folder.join("build.rs"), SCRIPT).expect("written");
    fs::write(folder.join("src/main.rs"), SOURCE).expect("written");
    let manifest = folder.join("Cargo.toml").display().to_string();
    let verify = ["build-fn", "fresh", "--verify-reproducible", "--manifest-path", &manifest];
    let done = xtask(&verify).patience(PATIENCE).run().expect(1);
    let kept =
        |place: &str| folder.join("target/irreproducible/fresh").join(place).join("fresh.elf");
    let (here, elsewhere) = (kept("here"), kept("elsewhere"));
    let [ours, theirs] = [&here, &elsewhere].map(|path| fs::read(path).expect("it is kept"));
    // Their seals differ too, because of that.
    let seal = seal::FIRST - seal::BYTES..seal::FIRST;
    let mut offsets = 0..ours.len().min(theirs.len());
    let offset = offsets.find(|at| ours[*at] != theirs[*at] && !seal.contains(at));
    let offset = offset.expect("they differ");
    let command = format!("diffoscope {} {}", here.display(), elsewhere.display());
    let place = format!("its image differs first at offset {offset:#x} (.");
    for part in [&place, &sha256(&ours), &sha256(&theirs), &command, "TZ="] {
        assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
    }
}

fn interrupted() {
    for signal in [Signal::TERM, Signal::INT] {
        let scratch = Scratch::new();
        let verify = xtask(&["build-fn", "echo", "--verify-reproducible"]).patience(PATIENCE);
        let mut running = verify.env("TMPDIR", scratch.path("")).spawn();
        // Cargo compiles there.
        let is_at_work = || {
            let names = scratch.names();
            names.iter().any(|name| scratch.path(name).join("target/guest").exists())
        };
        while !is_at_work() {
            assert!(!procfs::wait_for_end(running.pid(), Duration::ZERO), "{:?}", running.finish());
        }
        running.signal(signal);
        running.finish().expect(-signal.as_raw());
        assert_eq!(scratch.names(), [""; 0]);
    }
}

/// One way to build.
#[derive(Default)]
struct Surroundings {
    name: &'static str,
    /// The folder of the copy.
    folder: &'static str,
    variables: &'static [(&'static str, &'static str)],
    umask: &'static str,
    has_own_cargo_home: bool,
    is_nobody: bool,
}

fn surroundings() -> [Surroundings; 8] {
    let plain = || Surroundings { folder: "checkout", umask: "022", ..Surroundings::default() };
    [
        Surroundings { name: "plain", ..plain() },
        Surroundings { name: "folder", folder: "a/deeper place/of another length", ..plain() },
        Surroundings { name: "CARGO_HOME", has_own_cargo_home: true, ..plain() },
        Surroundings { name: "user", is_nobody: true, has_own_cargo_home: true, ..plain() },
        Surroundings {
            name: "locale and time zone",
            variables: &[("LC_ALL", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati")],
            ..plain()
        },
        Surroundings { name: "umask", umask: "077", ..plain() },
        Surroundings { name: "jobs", variables: &[("CARGO_BUILD_JOBS", "7")], ..plain() },
        Surroundings {
            name: "day and settings",
            variables: &[
                ("SOURCE_DATE_EPOCH", "315619200"),
                ("RUSTFLAGS", "-Copt-level=1 -Ctarget-cpu=native"),
                ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"),
                ("CARGO_PROFILE_FN_OPT_LEVEL", "0"),
                ("CARGO_INCREMENTAL", "1"),
                ("RUSTC_BOOTSTRAP", "1"),
            ],
            ..plain()
        },
    ]
}

fn eight(choice: &str) {
    let functions = match choice {
        "all" => examples(),
        names => names.split(',').map(str::to_owned).collect(),
    };
    let mut first: Option<BTreeMap<String, String>> = None;
    for surroundings in surroundings() {
        let scratch = Scratch::new();
        let digests = surroundings.build(&functions, &scratch);
        assert_eq!(digests.len(), 2 * functions.len(), "images and twins");
        for (file, digest) in &digests {
            println!("{digest}  {file} ({})", surroundings.name);
        }
        let expected = first.get_or_insert_with(|| digests.clone());
        assert_eq!(&digests, expected, "{}", surroundings.name);
    }
}

fn examples() -> Vec<String> {
    let entries = fs::read_dir(tools::root().join("examples")).expect("the examples");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("text")).collect();
    names.sort();
    names
}

impl Surroundings {
    /// SHA-256 of each image and twin, by file.
    fn build(&self, functions: &[String], scratch: &Scratch) -> BTreeMap<String, String> {
        let folder = scratch.path(self.folder);
        copy(tools::root(), &folder);
        let own = scratch.path("xtask");
        fs::copy(&tools::get().xtask, &own).expect("a copy");
        let out = scratch.path("out");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {} && exec \"$@\"", self.umask), "sh"]).arg(own);
        command.arg("build-fn").args(functions).arg("--out").arg(&out).current_dir(&folder);
        for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "RUST_BACKTRACE", "CARGO_INCREMENTAL"] {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().copied());
        let own_home = scratch.path("cargo-home");
        if self.has_own_cargo_home {
            fs::create_dir(&own_home).expect("a folder");
            command.env("CARGO_HOME", &own_home);
        }
        let invocation = match self.is_nobody && rustix::process::geteuid().is_root() {
            true => as_nobody(command, scratch, &folder),
            false if self.is_nobody => {
                println!("another user: only root can become one; built as this one");
                link_downloads(&own_home);
                Invocation::new(command)
            }
            false => {
                if self.has_own_cargo_home {
                    link_downloads(&own_home);
                }
                Invocation::new(command)
            }
        };
        invocation.patience(PATIENCE).run().expect(0);
        let files = fs::read_dir(&out).expect("the images").map(|entry| entry.expect("an entry"));
        let digest = |file: fs::DirEntry| {
            let name = file.file_name().into_string().expect("text");
            (name, sha256(&fs::read(file.path()).expect("a file")))
        };
        files.map(digest).collect()
    }
}

/// Has a new `CARGO_HOME` hold what was downloaded before.
pub fn link_downloads(cargo_home: &Path) {
    for name in ["registry", "git"] {
        let downloaded = own_cargo_home().join(name);
        if downloaded.is_dir() {
            symlink(downloaded, cargo_home.join(name)).expect("a link");
        }
    }
}

fn own_cargo_home() -> PathBuf {
    let default = || std::env::home_dir().expect("a home").join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(default, PathBuf::from)
}

/// The command as another user, who cannot see this user's home: the toolchain and what was downloaded
/// are mounted where they can be seen.
fn as_nobody(command: Command, scratch: &Scratch, folder: &Path) -> Invocation {
    // All but the mounts becomes theirs.
    let script = format!(
        "chown -R {NOBODY} \"$4\" && mount --bind \"$0\" \"$1\" && mount --bind \"$2\" \"$3\" && \
         shift 4 && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \"$@\""
    );
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("a compiler");
    let sysroot = String::from_utf8(sysroot.stdout).expect("a path");
    let (toolchain, home) = (scratch.path("toolchain"), scratch.path("cargo-home"));
    let registry = home.join("registry");
    for path in [&toolchain, &registry] {
        fs::create_dir(path).expect("a folder");
    }
    let mut outer = Command::new("unshare");
    outer.args(["--mount", "sh", "-c", &script, sysroot.trim()]).arg(&toolchain);
    outer.arg(own_cargo_home().join("registry")).arg(&registry);
    let parent = folder.ancestors().find(|it| it.parent() == Some(&std::env::temp_dir()));
    outer.arg(parent.expect("it lies in the folder of temporary files"));
    let path = format!("{}:/usr/bin:/bin", toolchain.join("bin").display());
    let invocation = Invocation::new(command).inside(outer);
    let invocation = invocation.env("PATH", path).env("CARGO", toolchain.join("bin/cargo"));
    invocation.env("HOME", scratch.path("home")).directory(folder)
}

/// Copies sources, and nothing that was made of them; nor what git knows, which in a worktree is a file that
/// leads to the repository.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a kind");
        // The copy may be made in cargo's folder itself.
        let is_made = path.join("CACHEDIR.TAG").exists() || to.starts_with(&path);
        if path.ends_with(".git") {
            continue;
        }
        if kind.is_file() {
            fs::copy(&path, &place).expect("copied");
        } else if kind.is_dir() && !is_made {
            copy(&path, &place);
        }
    }
}
