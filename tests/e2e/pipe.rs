//! Pipelines: of functions by a shell, and of functions by `cargo xtask pipe`.

use std::fs::File;
use std::process::Command;

use crate::harness::{Suite, xtask};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.each("pipe::a_shell_connects_calls_like_any_filter", shell);
    suite.each("pipe::a_shell_pipeline_ends_when_its_last_reader_does", shell_ends_early);
    suite.each("pipe::stages_are_connected_in_order", stages);
    suite.each("pipe::the_status_is_that_of_the_last_stage_that_failed", pipefail);
    suite.each("pipe::a_stage_that_ends_early_ends_those_before_it", ends_early);
    suite.each("pipe::quotes_are_those_of_a_shell", quotes);
    suite.once("pipe::an_unknown_function_is_named_before_anything_runs", unknown);
}

fn airports() -> File {
    File::open(tools::root().join("tests/data/airports.csv")).expect("a data file")
}

/// `cargo xtask pipe STAGES… -- --backend …`
fn pipe(backend: Backend, stages: &[&str]) -> Invocation {
    xtask(&[&["pipe"], stages, &["--"], backend.options()].concat())
}

/// A script in which `call NAME ARGUMENTS` calls a function.
fn script(backend: Backend, script: &str) -> Done {
    let tools = tools::get();
    let folder = tools.image("echo").parent().and_then(|echo| echo.parent()).expect("target/fn");
    let call = "call() { f=$1; shift; \"$AMPOULE\" run \"$IMAGES/$f/$f.elf\" $OPTIONS -- \"$@\"; }";
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -o pipefail; {call}; {script}")]).env("IMAGES", folder);
    command.env("AMPOULE", &tools.launcher).env("OPTIONS", backend.options().join(" "));
    Invocation::new(command).on(airports())
}

fn shell(backend: Backend) {
    let done = script(backend, "call csv2json | call jq -r .state | call grep -c TX").expect(0);
    assert_eq!(done.silent().text(), "209\n");
    let done = script(backend, "call fail status 3 | call wc -c").expect(3);
    assert_eq!(done.silent().text().trim(), "0");
}

fn shell_ends_early(backend: Backend) {
    let done = script(backend, "call flood | call echo | head -c 5").expect(141);
    assert_eq!(done.silent().text(), "01234");
}

fn stages(backend: Backend) {
    let done = pipe(backend, &["csv2json", "jq -r .state", "grep -c TX"]).on(airports());
    assert_eq!(done.expect(0).silent().text(), "209\n");
}

fn pipefail(backend: Backend) {
    let done = pipe(backend, &["fail status 3", "fail status 65", "wc -c"]).run().expect(65);
    assert_eq!(done.silent().text().trim(), "0");
    pipe(backend, &["echo", "wc -l"]).run().expect(0).silent();
}

fn ends_early(backend: Backend) {
    let done = pipe(backend, &["flood", "echo", "deaf"]).run();
    assert_eq!(done.text(), "done\n");
    done.expect(141).silent();
}

fn quotes(backend: Backend) {
    let call = pipe(backend, &["echo", "grep -c 'International Airport'"]);
    let content = b"one\nAn International Airport\nInternational  Airport\n";
    assert_eq!(call.feed(content).expect(0).silent().text(), "1\n");
    let done = xtask(&["pipe", "echo", "grep 'a"]).run();
    assert!(done.status != 0 && done.stderr.contains("grep 'a"), "{done:?}");
}

fn unknown() {
    let done = xtask(&["pipe", "echo", "ehco"]).run();
    assert!(done.status != 0 && done.stderr.contains("\"echo\""), "{done:?}");
    assert!(done.stdout.is_empty());
}
