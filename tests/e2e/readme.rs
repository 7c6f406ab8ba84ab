//! `README.md` is true: each command in it is run, in order, and gives what is shown.
//!
//! In what is shown, `…` stands for anything within a line, and for any number of lines where it
//! stands alone. Both outputs of a command are taken together, as on a terminal; what tells of
//! progress in cargo's manner, or that there is no KVM, differs from run to run and is left out.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{Scratch, Suite};
use crate::process::Invocation;
use crate::tools;

/// What is not run here: it would run these tests again.
const RECURSIVE: [&str; 1] = ["cargo xtask ci"];

/// A folder that commands of the README make, and that is another one here.
const FOLDER: &str = "/tmp/ampoule-readme";

pub fn add(suite: &mut Suite) {
    suite.once("readme::every_command_is_understood", understood);
    if suite.has_machines() {
        suite.once("readme::every_command_gives_what_is_shown", every_command);
    }
}

/// A command and what it gives.
struct Example {
    command: String,
    shown: Vec<String>,
}

fn examples() -> Vec<Example> {
    let text = std::fs::read_to_string(tools::root().join("README.md")).expect("README.md");
    let mut examples: Vec<Example> = Vec::new();
    let mut is_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_console = matches!(line, "```console" | "```sh");
        } else if !is_console {
            continue;
        } else if let Some(command) = line.strip_prefix("$ ") {
            examples.push(Example { command: command.to_owned(), shown: Vec::new() });
        } else {
            let example = examples.last_mut().expect("a command comes before its output");
            match example.command.strip_suffix('\\') {
                Some(begun) if example.shown.is_empty() => {
                    example.command = format!("{begun}{line}")
                }
                _ => example.shown.push(line.to_owned()),
            }
        }
    }
    examples
}

fn understood() {
    let examples = examples();
    assert!(examples.len() > 5, "only {} commands were found", examples.len());
    for Example { command, .. } in examples {
        crate::hints::check(&command);
    }
}

fn every_command() {
    let scratch = Scratch::new();
    let folder = scratch.path("project").display().to_string();
    for Example { command, shown } in examples() {
        if let Some(what) = RECURSIVE.iter().find(|start| command.starts_with(**start)) {
            eprintln!("skipped: `{what}` of the README: it would run these tests again");
            continue;
        }
        let script = format!("set -o pipefail; exec 2>&1; {}", command.replace(FOLDER, &folder));
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(tools::root());
        let run = Invocation::new(bash).patience(Duration::from_secs(900)).on(Stdio::null());
        let done = run.expect(0);
        let lines: Vec<_> = done.text().lines().filter(|line| !is_passing(line)).collect();
        let shown: Vec<_> = shown.iter().map(String::as_str).collect();
        assert!(are_like(&lines, &shown), "`{command}` gives {lines:#?}, not {shown:#?}");
    }
}

/// Whether a line is a verb that ends in column 12 and its object, or the notice of a fallback.
fn is_passing(line: &str) -> bool {
    let is_progress = line.split_at_checked(12).is_some_and(|(verb, object)| {
        let verb = verb.trim_start();
        let is_word = verb.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_word && verb.starts_with(|c: char| c.is_ascii_uppercase()) && object.starts_with(' ')
    });
    is_progress || line.starts_with("ampoule: running without KVM")
}

fn are_like(lines: &[&str], shown: &[&str]) -> bool {
    match (shown.split_first(), lines.split_first()) {
        (None, first) => first.is_none(),
        (Some((&"…", rest)), first) => {
            are_like(lines, rest) || first.is_some_and(|(_, later)| are_like(later, shown))
        }
        (Some((pattern, rest)), Some((line, later))) => {
            is_like(line, pattern) && are_like(later, rest)
        }
        (Some(_), None) => false,
    }
}

fn is_like(line: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else { return line == pattern };
    let Some(line) = line.strip_prefix(start) else { return false };
    let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.any(|at| is_like(&line[at..], rest))
}
