//! `tests/independent/launcher.py`, made from `SPEC.md` alone: where it and our launcher agree, the
//! contract stands on its own. And other scripts beside it, which know nothing of this project's code.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::examples::{self, Case};
use crate::harness::Suite;
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    for example in examples::all() {
        let name = format!("independent::runs_every_case_of_{}", example.name);
        suite.each_qemu(&name, |backend| {
            for case in &example.cases {
                let call = launcher(backend, case, &example.name);
                case.check(call, &example.name);
            }
        });
    }
    suite.each_qemu("independent::gives_the_same_statuses", statuses);
    suite.once("independent::actionlint_takes_the_workflows", workflows);
}

/// Runs a script of `tests/independent` that has to succeed; `None` if it lacks something, which is told.
pub fn script(name: &str, arguments: &[&Path]) -> Option<Done> {
    /// The status with which such scripts say that.
    const LACKING: i32 = 77;
    let mut command = Command::new("python3");
    command.arg(tools::root().join("tests/independent").join(name)).args(arguments);
    let done = Invocation::new(command).run();
    if done.status == LACKING {
        eprintln!("skipped: {name}: {}", done.text().trim());
        return None;
    }
    Some(done.expect(0))
}

fn workflows() {
    let Some(done) = script("workflows.py", &[]) else { return };
    assert_eq!(done.text(), "2 workflows\n");
}

fn python(backend: Backend, function: &str, options: &[&str]) -> Command {
    let path: PathBuf = tools::root().join("tests/independent/launcher.py");
    let mut command = Command::new("python3");
    command.arg(path).args(["--accel", backend.accel()]).args(options);
    command.arg(tools::get().image(function)).current_dir(tools::root());
    command
}

fn launcher(backend: Backend, case: &Case, function: &str) -> Invocation {
    let mut command = python(backend, function, &[]);
    command.args(&case.args);
    Invocation::new(command)
}

fn statuses(backend: Backend) {
    for (arguments, status) in [
        (&["status", "0"][..], 0),
        (&["status", "123"], 123),
        (&["status", "200"], 1),
        (&["panic"], 134),
        (&["null"], 134),
        (&["memory"], 137),
    ] {
        let mut command = python(backend, "fail", &[]);
        command.args(arguments);
        Invocation::new(command).run().expect(status);
    }
    let mut command = python(backend, "fail", &["--timeout", "1"]);
    command.arg("spin");
    Invocation::new(command).on(File::open("/dev/null").expect("the null device")).expect(124);
}
