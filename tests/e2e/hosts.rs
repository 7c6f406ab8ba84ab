//! Hosts that fail: a monitor that hangs or is not what it should be, a process that is stopped and
//! continued, a clock that jumps, more calls at once than there are processors.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use crate::data::Random;
use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::{Invocation, Running};
use crate::{procfs, tools};

/// Calls at once, of which each is a process with a machine.
const CALLS: usize = 200;

/// The same where each has a QEMU too, which takes tens of megabytes.
const QEMU_CALLS: usize = 40;

pub fn add(suite: &mut Suite) {
    suite.once("hosts::a_monitor_that_hangs_at_its_start_ends_at_the_deadline", hanging);
    suite.once("hosts::a_monitor_that_cannot_do_it_is_quoted", too_old);
    suite.once("hosts::a_monitor_that_may_not_be_executed_is_named", not_executable);
    suite.once("hosts::a_monitor_that_is_no_qemu_is_named", no_qemu);
    suite.once("hosts::a_monitor_without_seccomp_leads_to_no_jail", no_seccomp);
    suite.once_on(Backend::Kvm, "hosts::a_call_where_proc_is_not_mounted_ends_well", no_proc);
    let name = "hosts::a_wall_clock_that_jumps_changes_no_deadline_and_no_report";
    suite.each(name, jumping_clock);
    suite.each("hosts::a_call_that_is_stopped_and_continued_loses_nothing", stopped);
    suite.each("hosts::many_calls_at_once_all_end_well", many);
}

/// A script in QEMU's place.
fn monitor(scratch: &Scratch, script: &str) -> PathBuf {
    let path = scratch.path("qemu");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
    path
}

fn hanging() {
    let scratch = Scratch::new();
    let qemu = monitor(&scratch, "exec sleep 600");
    let image = tools::get().image("echo");
    let image = image.to_str().expect("text");
    let call = launcher(&["run", image, "--accel", "tcg", "--timeout", "500ms"]);
    call.env("AMPOULE_QEMU", &qemu).run().expect(124).says(&["`echo`", "500ms"]);
    // The script became a program that would outlast this test.
    let marked = format!("AMPOULE_QEMU={}", qemu.display());
    procfs::wait_until_none_has(&marked);
}

fn too_old() {
    let scratch = Scratch::new();
    let why = "qemu: unsupported machine type 'microvm'";
    let qemu = monitor(&scratch, &format!("echo \"{why}\" >&2; exit 1"));
    let image = tools::get().image("echo");
    let call = launcher(&["run", image.to_str().expect("text"), "--accel", "tcg"]);
    let done = call.env("AMPOULE_QEMU", &qemu).run().expect(125);
    done.says(&["unsupported machine type 'microvm'", "exit status: 1"]);
}

fn not_executable() {
    let scratch = Scratch::new();
    let qemu = monitor(&scratch, "exit 0");
    fs::set_permissions(&qemu, Permissions::from_mode(0o644)).expect("not executable");
    let image = tools::get().image("echo");
    let call = launcher(&["run", image.to_str().expect("text"), "--accel", "tcg"]);
    call.env("AMPOULE_QEMU", &qemu).run().expect(125).says(&["QEMU", "ermission denied"]);
}

/// It ends well, as QEMU does when its guest has ended its machine.
fn no_qemu() {
    let image = tools::get().image("echo");
    let call = launcher(&["run", image.to_str().expect("text"), "--accel", "tcg"]);
    let done = call.env("AMPOULE_QEMU", "/bin/true").run().expect(125);
    done.says(&["`echo`", "/bin/true", "no QEMU"]);
}

fn no_seccomp() {
    let scratch = Scratch::new();
    // In the words of QEMU 7.2; it starts nothing more.
    let why = "-sandbox support is not enabled in this QEMU binary";
    let script = format!("case \"$*\" in *-sandbox*) echo \"qemu: {why}\" >&2; exit 1;; esac");
    let qemu = monitor(&scratch, &format!("{script}; exec qemu-system-x86_64 \"$@\""));
    let image = tools::get().image("echo");
    let call = |options: &[&str]| {
        let words =
            [&["run", image.to_str().expect("text"), "--backend", "qemu"], options].concat();
        launcher(&words).env("AMPOULE_QEMU", &qemu).feed(b"hello")
    };
    call(&["--accel", "tcg"]).expect(125).says(&["`echo`", why, "--no-jail"]);
    // It would lack that under TCG too, for which it is not started again.
    let done = call(&[]).expect(125);
    assert_eq!(done.stderr.matches(why).count(), 1, "{done:?}");
    assert!(done.stderr.contains("--no-jail"), "{done:?}");
}

/// The launcher looks there for who collects orphans.
fn no_proc() {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.args(["mount -t tmpfs tmpfs /proc && exec \"$@\"", "sh"]);
    let call = Backend::Kvm.call("echo").bare().inside(command);
    assert_eq!(call.feed(b"hello").expect(0).silent().text(), "hello");
}

/// Each reading of it is a day off; there is one, for what the function is told at its start, and so
/// none that a deadline or a time in a report could come from.
fn jumping_clock(backend: Backend) {
    const DAY: Duration = Duration::from_secs(86_400);
    const HOUR: Duration = Duration::from_secs(3600);
    let scratch = Scratch::new();
    let place = |name: &str| scratch.path(name).display().to_string();
    let (readings, report) = (place("readings"), place("report"));
    let jumping = |call: Invocation| call.under("jumping.py", &[&readings]);
    let expect_one = || assert_eq!(fs::read_to_string(&readings).expect("a number"), "1");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let call = backend.call("context").options(&["--timeout", "60s", "--report", &report]);
    let done = jumping(call.bare()).run().expect(0).silent();
    expect_one();
    let wall = done.text().lines().find_map(|line| line.strip_prefix("wall ")).expect("a line");
    let wall = Duration::from_nanos(wall.parse().expect("nanoseconds"));
    assert!(wall > now + DAY - HOUR, "the clock did not jump: {wall:?}, and it is {now:?}");
    let report: Value = serde_json::from_slice(&fs::read(report).expect("it")).expect("JSON");
    let phases = report["phases_us"].as_object().expect("times");
    let times: Vec<_> = phases.values().filter_map(Value::as_u64).collect();
    let whole_hour = u64::try_from(HOUR.as_micros()).expect("a number");
    assert!(times.len() > 4 && times.iter().all(|&time| time < whole_hour), "{report}");
    let call = backend.call("fail").options(&["--timeout", "500ms"]).with(["spin"]);
    jumping(call).run().expect(124).says(&["`fail`", "500ms"]);
    expect_one();
}

/// Each system call that waits is interrupted, time and again.
fn stopped(backend: Backend) {
    const PIECE_BYTES: usize = 64 << 10;
    const PIECES: usize = 40;
    let bytes = Random::new(17).bytes(PIECES * PIECE_BYTES);
    let mut running = backend.call("echo").bare().spawn();
    let (mut stdin, mut stdout) = (running.stdin(), running.stdout());
    let input = bytes.clone();
    let feeder = thread::spawn(move || stdin.write_all(&input));
    let mut output = vec![0; bytes.len()];
    for piece in output.chunks_mut(PIECE_BYTES) {
        running.signal(Signal::STOP);
        running.signal(Signal::CONT);
        stdout.read_exact(piece).expect("the next piece");
        running.signal(Signal::STOP);
        running.signal(Signal::CONT);
    }
    feeder.join().expect("no panic").expect("all is fed");
    let done = running.finish().expect(0).silent();
    assert!(output == bytes && done.stdout.is_empty(), "what came out is not what went in");
}

fn many(backend: Backend) {
    let count = if backend.is_qemu() { QEMU_CALLS } else { CALLS };
    let calls: Vec<Running> = (0..count).map(|_| backend.call("echo").bare().spawn()).collect();
    for (number, mut running) in calls.into_iter().enumerate() {
        let word = number.to_string();
        running.stdin().write_all(word.as_bytes()).expect("it reads");
        let done = running.finish().expect(0).silent();
        assert_eq!(done.text(), word);
    }
}
