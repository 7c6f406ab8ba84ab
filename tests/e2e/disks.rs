//! Disks that are full or read only: what was there stays as it was, nothing half made is left, and
//! one message names the place, the system's word for it and what to do.
//!
//! Each disk is small, in memory, and in namespaces of its own, so that nobody else sees it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};

use crate::harness::{Scratch, Suite, xtask};
use crate::matrix::Backend;
use crate::process::{Done, Invocation, Running};
use crate::tools;

/// What a disk in memory is given out in.
pub const PAGE_BYTES: u64 = 4096;

/// Enough for anything here.
pub const MUCH: &str = "size=64m,nr_inodes=1000";

pub fn add(suite: &mut Suite) {
    suite.once("disks::an_image_and_its_twin_are_replaced_together_or_not_at_all", image);
    suite.once("disks::a_compilation_without_room_leaves_the_image_and_says_so", compilation);
    suite.once("disks::a_launcher_is_put_in_place_whole_or_not_at_all", launcher);
    suite.once("disks::a_new_function_is_made_whole_or_not_at_all", new_function);
    suite.each("disks::a_report_without_room_leaves_the_last_one_and_tells_the_status", report);
}

/// A disk, there as long as this is.
pub struct Disk {
    keeper: Running,
    place: PathBuf,
    /// The keeper ends with it, should it not be killed.
    _stdin: ChildStdin,
}

impl Disk {
    /// One that has these options of `tmpfs`, in place of this folder.
    pub fn new(place: PathBuf, options: &str) -> Self {
        fs::create_dir_all(&place).expect("a folder");
        Self::made_by("mount -t tmpfs -o \"$2\" tmpfs \"$1\"", &place, options)
    }

    /// One in place of cargo's folder, in which all folders are as they were, but not the files.
    fn over_target(scratch: &Scratch, options: &str) -> Self {
        const SCRIPT: &str = "mount -t tmpfs -o \"$2\" tmpfs \"$3\" && for folder in \"$1\"/*/; do \
            name=$(basename \"$folder\") && mkdir \"$3/$name\" && \
            mount --rbind \"$folder\" \"$3/$name\" || exit; done; mount --move \"$3\" \"$1\"";
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in cargo's");
        let script = format!("set -- \"$1\" \"$2\" {}; {SCRIPT}", scratch.path("").display());
        Self::made_by(&script, target, options)
    }

    fn made_by(script: &str, place: &Path, options: &str) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!("{{ {script}; }} && echo made && exec cat")).arg("sh");
        command.arg(place).arg(options);
        let mut keeper = Invocation::new(command).spawn();
        let (stdin, mut line) = (keeper.stdin(), String::new());
        let mut stdout = BufReader::new(keeper.stdout());
        stdout.read_line(&mut line).expect("a line");
        if line != "made\n" {
            panic!("there is no disk: {:?}", keeper.finish());
        }
        Self { keeper, place: place.into(), _stdin: stdin }
    }

    /// A path on it, as those see it who are inside.
    pub fn path(&self, name: &str) -> String {
        self.place.join(name).display().to_string()
    }

    /// The same from outside.
    pub fn outside(&mut self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.pid().as_raw_nonzero()));
        root.join(self.place.strip_prefix("/").expect("an absolute path")).join(name)
    }

    /// The names of everything in a folder of it.
    pub fn names(&mut self, folder: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.outside(folder)).expect("a folder");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        entries.map(name).map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// Has a process see it, which is started in the workspace.
    pub fn hold(&mut self, invocation: Invocation) -> Invocation {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        command.arg(self.keeper.pid().as_raw_nonzero().to_string());
        command.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(tools::root());
        invocation.inside(command)
    }

    /// Changes its options.
    pub fn remount(&mut self, options: &str) {
        let mut command = Command::new("mount");
        command.args(["-o", &format!("remount,{options}")]).arg(&self.place);
        self.hold(Invocation::new(command)).run().expect(0);
    }
}

/// Checks that it failed with one last word, in which all of this is said.
#[track_caller]
pub fn expect_failure(done: Done, parts: &[&str]) {
    let done = done.expect(1);
    let last = done.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: "), "no last word of {done:?}");
    for part in parts {
        assert!(last.contains(part), "no {part:?} in the last word of {done:?}");
    }
}

pub const FULL: &str = "No space left on device";
pub const READ_ONLY: &str = "Read-only file system";

/// Puts files in a folder, one page each.
fn put_old(folder: &Path, names: &[&str]) {
    fs::create_dir_all(folder).expect("a folder");
    names.iter().for_each(|name| fs::write(folder.join(name), old(name)).expect("written"));
}

/// Checks that these files are all that is there, as they were.
#[track_caller]
fn expect_old(folder: &Path, names: &[&str]) {
    for name in names {
        assert_eq!(fs::read_to_string(folder.join(name)).expect("a file"), old(name));
    }
    assert_eq!(fs::read_dir(folder).expect("the folder").count(), names.len());
}

fn old(name: &str) -> String {
    format!("the {name} of before")
}

fn pages(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").len().div_ceil(PAGE_BYTES)
}

fn image() {
    const NAMES: [&str; 2] = ["echo.elf", "echo.debug"];
    let scratch = Scratch::new();
    let mut disk = Disk::new(scratch.path("disk"), MUCH);
    let (out, folder) = (disk.path("out"), disk.outside("out"));
    put_old(&folder, &NAMES);
    let build = |disk: &mut Disk| {
        let build = ["build-fn", "echo", "--out", &out];
        disk.hold(xtask(&build)).run()
    };
    let good = tools::get().image("echo");
    let (image, twin) = (pages(good), pages(&good.with_extension("debug")));
    // The old ones have a page each.
    for pages in [2, 3, 2 + twin - 1, 2 + twin, 2 + twin + 1, 2 + twin + image - 1] {
        disk.remount(&format!("size={}", pages * PAGE_BYTES));
        expect_failure(build(&mut disk), &["/out/echo.", FULL, "make room"]);
        expect_old(&folder, &NAMES);
    }
    // The disk itself, the folder and two files; then room for the twin's name and no more.
    for names in [4, 5] {
        disk.remount(&format!("size=64m,nr_inodes={names}"));
        expect_failure(build(&mut disk), &["/out/echo.", FULL, "make room"]);
        expect_old(&folder, &NAMES);
    }
    disk.remount("nr_inodes=1000,ro");
    expect_failure(build(&mut disk), &["/out/echo.", READ_ONLY]);
    expect_old(&folder, &NAMES);
    disk.remount("rw");
    build(&mut disk).expect(0);
    assert_eq!(disk.names("out"), NAMES.map(str::to_owned).into());
    assert!(fs::read(folder.join("echo.elf")).expect("it") == fs::read(good).expect("it"));
}

/// On a disk for what cargo makes; the images lie elsewhere.
fn compilation() {
    const NAMES: [&str; 2] = ["echo.elf", "echo.debug"];
    let scratch = Scratch::new();
    let out = scratch.path("out");
    put_old(&out, &NAMES);
    let mut disk = Disk::new(scratch.path("disk"), "size=128k");
    let target = disk.path("target");
    let build = |disk: &mut Disk| {
        let build = xtask(&["build-fn", "echo", "--out", out.to_str().expect("text")]);
        disk.hold(build.env("CARGO_TARGET_DIR", &target)).run()
    };
    let done = build(&mut disk);
    assert!(done.stderr.contains(FULL), "{done:?}");
    expect_failure(done, &["\"echo\"", "free in", &target, "make room", "CARGO_TARGET_DIR"]);
    expect_old(&out, &NAMES);
    disk.remount("ro");
    expect_failure(build(&mut disk), &[]);
    expect_old(&out, &NAMES);
    fs::remove_dir_all(disk.outside("target")).expect_err("it is read only");
    drop(disk);
    let mut disk = Disk::new(scratch.path("disk"), "ro");
    expect_failure(build(&mut disk), &[&target, READ_ONLY, "able to write"]);
    expect_old(&out, &NAMES);
}

/// It is linked from where cargo has made it; on another disk than that, copied.
fn launcher() {
    let scratch = Scratch::new();
    let mut disk = Disk::over_target(&scratch, "size=64k");
    let place = disk.outside("ampoule");
    fs::write(&place, old("ampoule")).expect("written");
    let names = disk.names("");
    let build = |disk: &mut Disk| disk.hold(xtask(&["launcher"])).run();
    expect_failure(build(&mut disk), &["/ampoule", FULL, "make room"]);
    assert_eq!(fs::read_to_string(&place).expect("a file"), old("ampoule"));
    let left = |disk: &mut Disk| {
        // Cargo's own note of the compiler is its own.
        disk.names("").into_iter().filter(|name| name != ".rustc_info.json").collect()
    };
    assert_eq!(names, left(&mut disk));
    disk.remount("ro");
    expect_failure(build(&mut disk), &["/ampoule", READ_ONLY, "able to write"]);
    disk.remount("rw,size=64m");
    build(&mut disk).expect(0);
    let expected = fs::read(&tools::get().launcher).expect("the launcher");
    assert!(fs::read(&place).expect("a file") == expected, "another launcher than without");
    assert_eq!(names, left(&mut disk));
}

fn new_function() {
    const MANIFEST: &str = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    let scratch = Scratch::new();
    let mut disk = Disk::new(scratch.path("disk"), MUCH);
    let manifest = disk.outside("Cargo.toml");
    fs::write(&manifest, MANIFEST).expect("written");
    let path = disk.path("functions/fresh");
    let make = |disk: &mut Disk, vcs: &str| {
        let new = xtask(&["new", "fresh", "--path", &path]);
        disk.hold(new.env("CARGO_CARGO_NEW_VCS", vcs)).run()
    };
    let expect_nothing = |disk: &mut Disk| {
        assert_eq!(fs::read_to_string(&manifest).expect("a manifest"), MANIFEST);
        assert_eq!(disk.names(""), ["Cargo.toml".to_owned()].into());
    };
    // Without a repository, which takes more than the rest, there are fewer steps to fail at.
    let mut failures = 0;
    for pages in 1.. {
        disk.remount(&format!("size={}", pages * PAGE_BYTES));
        let done = make(&mut disk, "none");
        if done.status == 0 {
            break;
        }
        expect_failure(done, &["nothing was made", "fresh"]);
        expect_nothing(&mut disk);
        failures += 1;
    }
    assert!(failures >= 2, "it ran full only {failures} times");
    fs::remove_dir_all(disk.outside("functions")).expect("removed");
    fs::write(&manifest, MANIFEST).expect("written");
    expect_failure(make(&mut disk, "git"), &["nothing was made"]);
    expect_nothing(&mut disk);
    disk.remount("ro,size=64m");
    expect_failure(make(&mut disk, "git"), &["nothing was made"]);
    expect_nothing(&mut disk);
    disk.remount("rw");
    make(&mut disk, "git").expect(0);
    assert!(disk.names("functions/fresh").contains("Cargo.toml"));
}

fn report(backend: Backend) {
    let scratch = Scratch::new();
    let mut disk = Disk::new(scratch.path("disk"), "size=4k");
    let (path, folder) = (disk.path("report.json"), disk.outside(""));
    put_old(&folder, &["report.json"]);
    let call = |disk: &mut Disk, path: &str, options: &[&str]| {
        let call = backend.call("echo").options(&["--report", path]).options(options).bare();
        disk.hold(call).feed(b"hello")
    };
    for options in [&[][..], &["--no-jail", "-q"]] {
        for place in [&*path, "/dev/full"] {
            let done = call(&mut disk, place, options).expect(125);
            assert_eq!(done.text(), "hello");
            done.says(&[place, FULL, "make room", "status was 0"]);
            expect_old(&folder, &["report.json"]);
        }
    }
    disk.remount("ro");
    let done = call(&mut disk, &path, &[]).expect(125);
    assert!(done.stdout.is_empty(), "it ran all the same: {done:?}");
    done.says(&[&path, READ_ONLY]);
    expect_old(&folder, &["report.json"]);
    disk.remount("rw,size=64k");
    call(&mut disk, &path, &[]).expect(0).silent();
    let report = fs::read_to_string(folder.join("report.json")).expect("a report");
    assert!(report.contains("\"returned\""), "{report}");
}
