//! The examples: every case of every `examples/NAME/cases.toml`, as an image on every backend and
//! as an ordinary program of the host.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::harness::Suite;
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    for example in all() {
        let name = &example.name;
        suite.each(&format!("examples::every_case_of_{name}"), |backend| {
            for case in &example.cases {
                case.check(backend.call(name).with(&case.args), name);
            }
        });
        suite.once(&format!("examples::every_case_of_{name}_on_the_host"), || {
            for case in &example.cases {
                let mut command = Command::new(&host_programs()[name]);
                command.args(&case.args);
                case.check(Invocation::new(command), name);
            }
        });
    }
    suite.once("examples::each_has_cases_and_a_description", described);
}

/// An example and its cases.
pub struct Example {
    pub name: String,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

/// What goes in, and what comes out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    pub args: Vec<String>,
    /// STDIN: as it is, or a file in `tests/data`.
    #[serde(default)]
    stdin: String,
    stdin_file: Option<PathBuf>,
    /// STDOUT: as it is, a file in the example's folder, or whatever.
    stdout: Option<String>,
    stdout_file: Option<PathBuf>,
    stderr_contains: Option<String>,
    pub status: i32,
}

/// All examples, by name.
pub fn all() -> &'static [Example] {
    static ALL: OnceLock<Vec<Example>> = OnceLock::new();
    ALL.get_or_init(|| names().into_iter().filter_map(|name| read(&name)).collect())
}

fn folder() -> PathBuf {
    tools::root().join("examples")
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder of examples");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

fn read(name: &str) -> Option<Example> {
    let path = folder().join(name).join("cases.toml");
    let text = fs::read_to_string(&path).ok()?;
    let table: Table =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(Example { name: name.to_owned(), cases: table.case })
}

impl Case {
    /// Runs it and compares.
    pub fn check(&self, invocation: Invocation, example: &str) {
        let data = tools::root().join("tests/data");
        let stdin = match &self.stdin_file {
            Some(file) => bytes(&data.join(file)),
            None => self.stdin.clone().into_bytes(),
        };
        let done = invocation.feed(&stdin);
        let name = &self.name;
        assert_eq!(done.status, self.status, "status of {example}, case {name:?}: {done:?}");
        if let Some(part) = &self.stderr_contains {
            assert!(
                done.stderr.contains(part),
                "{example}, case {name:?}: no {part:?} in {done:?}"
            );
        }
        let expected = match (&self.stdout, &self.stdout_file) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(file)) => bytes(&folder().join(example).join(file)),
            (None, None) => return,
        };
        same(&done, &expected, &format!("{example}, case {name:?}"));
    }
}

/// Checks that STDOUT is what was expected, and shows where it begins not to be.
#[track_caller]
pub fn same(done: &Done, expected: &[u8], what: &str) {
    if done.stdout == expected {
        return;
    }
    let at = done.stdout.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let range = at.saturating_sub(40).min(bytes.len())..(at + 40).min(bytes.len());
        String::from_utf8_lossy(&bytes[range]).into_owned()
    };
    let (found, wanted) = (around(&done.stdout), around(expected));
    let lengths = (done.stdout.len(), expected.len());
    panic!(
        "{what}: STDOUT differs from byte {at} on (lengths {lengths:?}): {found:?}, not {wanted:?}"
    );
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The examples as programs of the host, built once.
fn host_programs() -> &'static BTreeMap<String, PathBuf> {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let mut command = Command::new(tools::cargo());
        command.arg("build").arg("--bins");
        for name in names() {
            command.args(["--package", &name]);
        }
        tools::executables(&mut command)
    })
}

fn described() {
    for name in names() {
        assert!(all().iter().any(|example| example.name == name), "{name} has no cases.toml");
        let manifest = fs::read_to_string(folder().join(&name).join("Cargo.toml"));
        assert!(manifest.expect("a manifest").contains("\ndescription = "), "{name}");
    }
}
