//! Which backend runs a call: the one that is asked for, or the best that works.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.each("backend::a_report_names_what_was_asked_for", asked_for);
    let name = "backend::the_built_in_monitor_is_the_default_where_kvm_works";
    suite.once_on(Backend::Kvm, name, default);
    let name = "backend::a_long_stream_takes_one_exit_for_each_frame";
    suite.once_on(Backend::Kvm, name, few_exits);
    suite.once_on(Backend::Kvm, "backend::timings_tell_the_phases_and_the_exits", timings);
    suite.once("backend::the_built_in_monitor_has_no_tcg", no_tcg);
    let name = "backend::where_kvm_is_not_permitted_a_line_says_so_and_tcg_runs";
    suite.once_on(Backend::QemuTcg, name, fallback);
    suite.once("backend::kvm_that_is_not_permitted_gives_125_if_asked_for", not_permitted);
}

/// The report of a call of `echo` with these options.
fn report(options: &[&str]) -> Value {
    report_of(b"x", options)
}

/// The report of a call of `echo` with this input.
fn report_of(input: &[u8], options: &[&str]) -> Value {
    let scratch = Scratch::new();
    let path = scratch.path("report.json");
    let (image, place) = (tools::get().image("echo"), path.display().to_string());
    let words = [&["run", image.to_str().expect("text"), "--report", &place], options].concat();
    let stdin = scratch.path("stdin");
    fs::write(&stdin, input).expect("written");
    launcher(&words).on(fs::File::open(stdin).expect("a file")).expect(0).silent();
    serde_json::from_slice(&fs::read(path).expect("a report")).expect("JSON")
}

fn asked_for(backend: Backend) {
    let report = report(backend.options());
    let name = if backend.is_qemu() { "qemu" } else { "builtin" };
    assert_eq!((&report["backend"], &report["accel"]), (&name.into(), &backend.accel().into()));
}

fn default() {
    for options in [&[][..], &["--accel", "kvm"]] {
        let report = report(options);
        assert_eq!(report["backend"], "builtin", "{options:?}");
        let exits = report["exits"]["total"].as_u64().expect("a number");
        assert!((1..=8).contains(&exits), "{exits} exits");
    }
}

/// A file can always be read: what comes next is there whenever output makes the guest come out.
fn few_exits() {
    const FRAMES: usize = 64;
    let report = report_of(&vec![b'x'; FRAMES << 16], &["--backend", "builtin"]);
    let exits = report["exits"]["total"].as_u64().expect("a number");
    assert!(exits < FRAMES as u64 + 8, "{exits} exits for {FRAMES} frames");
}

fn timings() {
    let image = tools::get().image("echo");
    let words = ["run", image.to_str().expect("text"), "--timings", "--backend", "builtin"];
    let done = launcher(&words).feed(b"x").expect(0);
    assert_eq!(done.text(), "x");
    let phases = [
        "exec",
        "monitor ready",
        "machine created",
        "first instruction",
        "function entered",
        "first byte",
        "last byte",
        "exit status",
        "machine gone",
        "exits",
    ];
    let lines = done.stderr.lines().count();
    assert_eq!(lines, phases.len(), "{done:?}");
    for phase in phases {
        assert!(done.stderr.contains(phase), "no {phase:?} in {done:?}");
    }
}

fn no_tcg() {
    let words = ["run", "x.elf", "--backend", "builtin", "--accel", "tcg"];
    let scratch = Scratch::new();
    fs::copy(tools::get().image("echo"), scratch.path("x.elf")).expect("copied");
    launcher(&words).directory(scratch.path("")).run().expect(125).says(&["--backend qemu"]);
}

/// A call as a user who may not open /dev/kvm; `None`, with a line that says why, if this one
/// cannot be made to be.
fn as_nobody(options: &[&str]) -> Option<Done> {
    let scratch = Scratch::new();
    for (file, name) in
        [(&*tools::get().launcher, "ampoule"), (tools::get().image("echo"), "echo.elf")]
    {
        fs::copy(file, scratch.path(name)).expect("copied");
    }
    let folder = scratch.path("");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("readable");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(scratch.path("ampoule")).arg("run").arg(scratch.path("echo.elf")).args(options);
    let is_root = rustix::process::geteuid().is_root();
    let is_open = fs::metadata("/dev/kvm").is_ok_and(|kvm| kvm.permissions().mode() & 0o006 != 0);
    if !is_root || is_open {
        eprintln!(
            "skipped: only root can run a call as a user who may not open /dev/kvm, if not all may"
        );
        return None;
    }
    Some(Invocation::new(command).feed(b"x"))
}

fn fallback() {
    let Some(done) = as_nobody(&[]) else { return };
    let done = done.expect(0);
    assert_eq!(done.text(), "x");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    let expected = if fs::exists("/dev/kvm").unwrap_or(false) { "usermod" } else { "--device" };
    done.says(&["running without KVM", expected, "--accel tcg"]);
}

fn not_permitted() {
    for options in [&["--accel", "kvm"][..], &["--backend", "builtin"]] {
        let Some(done) = as_nobody(options) else { return };
        done.expect(125).says(&["KVM was asked for", "/dev/kvm", "--accel tcg"]);
    }
}
