//! Agreement with the tools that everyone has: coreutils, GNU grep, jq 1.6, zstd; byte for byte, on
//! the data files, on nothing, without a final newline, and on random bytes.

use std::fs;
use std::process::Command;

use crate::data::{Random, stream_bytes};
use crate::examples::same;
use crate::harness::Suite;
use crate::matrix::{self, Backend};
use crate::process::Invocation;
use crate::tools;

/// Random bytes given to the functions that take any, in MiB.
const RANDOM_MIB: u64 = 8;

/// More is no better: what is asked for is 50 MiB.
const MOST_RANDOM_BYTES: u64 = 50 << 20;

pub fn add(suite: &mut Suite) {
    suite.each("agreement::wc_with_coreutils", wc);
    suite.each("agreement::sha256_with_coreutils", sha256);
    suite.each("agreement::grep_with_gnu_grep", grep);
    suite.each("agreement::jq_with_jq_1_6", jq);
    suite.each("agreement::zstd_with_zstd", zstd);
}

/// A tool as a user has it in the C locale, on this input; none if it is missing where that may be.
fn tool(words: &[&str], input: &[u8]) -> Option<crate::process::Done> {
    if !is_there(words[0]) {
        return None;
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("LC_ALL", "C");
    Some(Invocation::new(command).feed(input))
}

fn is_there(tool: &str) -> bool {
    if Command::new(tool).arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        !matrix::is_strict(),
        "{tool} is not installed, and AMPOULE_TEST_BACKENDS allows no gap"
    );
    eprintln!("skipped: agreement with {tool}: it is not installed");
    false
}

/// Runs a function and its model on the same input.
fn compare(backend: Backend, function: &str, arguments: &[&str], model: &[&str], input: &[u8]) {
    let Some(expected) = tool(&[model, arguments].concat(), input) else { return };
    let options = ["--memory", "64MiB"];
    let done = backend.call(function).options(&options).with(arguments).feed(input);
    let what = format!("{function} {arguments:?} on {} bytes", input.len());
    assert_eq!(done.status, expected.status, "{what}: {done:?}");
    same(&done, &expected.stdout, &what);
}

fn file(name: &str) -> Vec<u8> {
    fs::read(tools::root().join("tests/data").join(name)).expect("a data file")
}

fn random() -> Vec<u8> {
    let bytes = stream_bytes(RANDOM_MIB).min(MOST_RANDOM_BYTES);
    Random::new(11).bytes(bytes as usize)
}

/// What is given to every function that takes bytes.
fn inputs() -> [Vec<u8>; 6] {
    let files = ["airports.csv", "cars.json", "seattle-weather.csv"].map(file);
    let [airports, cars, weather] = files;
    [airports, cars, weather, Vec::new(), b"no\nfinal newline".to_vec(), random()]
}

fn wc(backend: Backend) {
    for input in inputs() {
        for arguments in [&[][..], &["-l"], &["-w"], &["-c"], &["-lc"]] {
            compare(backend, "wc", arguments, &["wc"], &input);
        }
    }
}

fn sha256(backend: Backend) {
    for input in inputs() {
        compare(backend, "sha256", &[], &["sha256sum"], &input);
    }
}

fn grep(backend: Backend) {
    let ways: [&[&str]; 7] = [
        &["a"],
        &["-c", "a"],
        &["-in", "international"],
        &["-v", "[aeiou]"],
        &["-oE", "[0-9]{4}-[0-9]+"],
        &["-F", "."],
        &["-q", "nothing like this"],
    ];
    for input in inputs() {
        for arguments in ways {
            compare(backend, "grep", arguments, &["grep"], &input);
        }
    }
}

fn jq(backend: Backend) {
    if is_there("jq")
        && tool(&["jq", "--version"], b"").is_some_and(|done| done.stdout != b"jq-1.6\n")
    {
        assert!(!matrix::is_strict(), "jq is not jq 1.6, and AMPOULE_TEST_BACKENDS allows no gap");
        eprintln!("skipped: agreement with jq 1.6: another version is installed");
        return;
    }
    let cars = file("cars.json");
    let ways: [&[&str]; 6] = [
        &["."],
        &["-c", ".[]"],
        &["-r", ".[].Name"],
        &["map(.Horsepower) | add"],
        &["-S", "group_by(.Origin) | map({(.[0].Origin): length}) | add"],
        &["-c", "[.[] | select(.Miles_per_Gallon != null and .Miles_per_Gallon > 40) | .Name]"],
    ];
    for input in [&cars[..], cars.trim_ascii_end(), b""] {
        for arguments in ways {
            compare(backend, "jq", arguments, &["jq"], input);
        }
    }
    for arguments in [&["-R", "."][..], &["-Rs", "length"], &["-Rr", "split(\",\")[0]"]] {
        compare(backend, "jq", arguments, &["jq"], &file("seattle-weather.csv"));
    }
}

fn zstd(backend: Backend) {
    for input in inputs() {
        for level in ["-1", "-19", "--no-check"] {
            let Some(packed) = tool(&["zstd", "-q", "-c", level], &input) else { return };
            compare(backend, "zstd", &["-d", "-c"], &["zstd", "-q"], &packed.stdout);
        }
    }
}
