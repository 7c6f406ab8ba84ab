//! `--report` (SPEC C3): how a call ended, as one JSON object.

use serde_json::Value;

use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::Done;
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.each("report::success_is_told_with_times_bytes_and_limits", success);
    suite.each("report::each_failure_is_told_with_its_reason", failures);
    suite.once("report::a_call_that_never_came_about_is_told_too", no_call);
    suite.once("report::a_report_that_cannot_be_written_gives_125", unwritable);
}

fn reported(run: impl FnOnce(&str) -> Done) -> (Done, Value) {
    let scratch = Scratch::new();
    let path = scratch.path("report.json");
    let done = run(&path.display().to_string());
    let text = std::fs::read_to_string(path).expect("a report");
    assert_eq!(scratch.names(), ["report.json"]);
    (done, serde_json::from_str(&text).expect("JSON"))
}

fn success(backend: Backend) {
    let (_, report) = reported(|path| {
        let options = ["--report", path, "--memory", "8MiB", "--timeout", "1m"];
        backend.call("echo").options(&options).bare().feed(b"12345").expect(0).silent()
    });
    assert_eq!(report["schema"], "ampoule.report/1");
    assert_eq!((&report["status"], &report["reason"]), (&"success".into(), &"returned".into()));
    assert_eq!((&report["exit_code"], &report["message"]), (&0.into(), &Value::Null));
    assert_eq!(report["accel"], backend.accel());
    assert_eq!(report["call_id"].as_str().map(str::len), Some(36));
    assert_eq!((&report["bytes_in"], &report["bytes_out"]), (&5.into(), &5.into()));
    assert_eq!(report["bytes_err"], 0);
    assert_eq!(report["limits"]["memory_bytes"], 8 << 20);
    assert_eq!(report["limits"]["timeout_ms"], 60_000);
    let peak = report["peak_memory_bytes"].as_u64();
    let plausible = if backend.is_qemu() { 1 << 20..1 << 28 } else { 1 << 16..1 << 23 };
    assert!(peak.is_some_and(|bytes| plausible.contains(&bytes)), "{report}");
    let exits = &report["exits"];
    match backend.is_qemu() {
        true => assert_eq!(*exits, Value::Null),
        false => assert!(exits["total"].as_u64().is_some_and(|exits| exits <= 8), "{report}"),
    }
    let entered: &[_] = if backend.is_qemu() { &[] } else { &["entered"] };
    let phases = [&["launched"], entered, &["ready", "first_byte", "last_byte", "exit"]].concat();
    let times: Vec<_> =
        phases.iter().map(|phase| report["phases_us"][phase].as_u64().expect("a time")).collect();
    assert!(times.is_sorted() && times[0] > 0, "{times:?}");
}

fn failures(backend: Backend) {
    for (arguments, code, status, reason) in [
        (&["status", "65"][..], 65, "failure", "returned"),
        (&["status", "200"], 1, "failure", "status-out-of-range"),
        (&["panic"], 134, "error", "panicked"),
        (&["null"], 134, "error", "faulted"),
        (&["memory"], 137, "error", "out-of-memory"),
        (&["spin"], 124, "error", "deadline-exceeded"),
    ] {
        let (done, report) = reported(|path| {
            let call = backend.call("fail").options(&["--report", path, "--timeout", "2s"]);
            call.with(arguments).run().expect(code)
        });
        assert_eq!((&report["status"], &report["reason"]), (&status.into(), &reason.into()));
        assert_eq!(report["exit_code"], code);
        if let Some(message) = report["message"].as_str() {
            assert!(done.stderr.contains(message), "{message:?} is not in {done:?}");
        }
        assert_eq!(report["message"].is_null(), code == 65);
    }
}

fn no_call() {
    let (_, report) =
        reported(|path| launcher(&["run", "/nowhere/x.elf", "--report", path]).run().expect(127));
    assert_eq!((&report["status"], &report["reason"]), (&"error".into(), &"not-found".into()));
    assert_eq!((&report["exit_code"], &report["call_id"]), (&127.into(), &Value::Null));
    let image = tools::get().image("wc").display().to_string();
    let run = |path: &str| {
        launcher(&["run", &image, "--env-file", "/nowhere/env", "--report", path]).run().expect(125)
    };
    let (done, report) = reported(run);
    done.says(&["/nowhere/env"]);
    assert_eq!(
        (&report["reason"], &report["function"]["name"]),
        (&"bad-request".into(), &"wc".into())
    );
}

fn unwritable() {
    let image = tools::get().image("wc").display().to_string();
    let done = launcher(&["run", &image, "--report", "/nowhere/report.json"]).run().expect(125);
    assert!(done.stdout.is_empty(), "it ran all the same: {done:?}");
    assert!(done.stderr.contains("/nowhere/report.json"), "{done:?}");
    let done = launcher(&["run", &image, "--report", "-"]).run().expect(125);
    assert!(done.stdout.is_empty(), "it ran all the same: {done:?}");
    done.says(&["a report goes to a file", "/dev/stderr"]);
}
