//! `cargo xtask bench`: it measures what it says, on this machine, and only what went right.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Scratch, Suite, xtask};
use crate::matrix::Backend;

/// It builds what it measures.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn add(suite: &mut Suite) {
    suite.each("bench::a_stream_is_measured_beside_cat", stream);
    suite.each("bench::calls_that_wait_are_measured_and_ended", density);
    suite.each("bench::codecs_are_measured_inside_a_guest", events);
    suite.once("bench::a_call_that_fails_is_not_measured", failing);
    if suite.has_machines() {
        suite.once("bench::cold_starts_are_compared_and_plotted", cold);
        suite.once("bench::calls_of_one_process_are_counted", throughput);
    }
}

/// What `cargo xtask bench ARGUMENTS --json -- OPTIONS` gives.
fn bench(arguments: &[&str], options: &[&str]) -> Value {
    let mut words = [&["bench"], arguments, &["--json"]].concat();
    if !options.is_empty() {
        words.push("--");
        words.extend(options);
    }
    let done = xtask(&words).patience(PATIENCE).run().expect(0);
    let results: Value = serde_json::from_str(done.text()).expect("one JSON object");
    for key in ["processor", "kernel", "commit"] {
        assert!(results[key].is_string(), "{key}: {results}");
    }
    assert!(results["processors"].is_u64() && results["load_1min"].is_f64(), "{results}");
    results
}

fn stream(backend: Backend) {
    let arguments = ["stream", "--bytes", "1MiB", "--rounds", "2"];
    let results = bench(&arguments, backend.options());
    assert_eq!(results["schema"], "ampoule/bench-stream/1");
    assert_eq!(results["bytes"], 1 << 20);
    assert_eq!(results["rounds"].as_array().map(Vec::len), Some(2));
    let median = &results["median"];
    for key in ["mib_per_s", "cat_mib_per_s", "ratio"] {
        assert!(median[key].as_f64().is_some_and(|it| it > 0.0), "{key}: {median}");
    }
    assert_eq!(median["exits_per_mib"].is_null(), median["backend"] == "qemu", "{median}");
}

fn density(backend: Backend) {
    let results = bench(&["density", "--instances", "3"], backend.options());
    assert_eq!(results["schema"], "ampoule/bench-density/1");
    let median = |key: &str| results[key]["bytes"]["p50"].as_u64().expect(key);
    assert!(0 < median("private") && median("private") <= median("pss"), "{results}");
    assert!(median("pss") <= median("rss"), "{results}");
    assert!(results["threads"]["p50"].as_u64() >= results["processes"]["p50"].as_u64());
}

fn events(backend: Backend) {
    let results = bench(&["events", "--rounds", "3", "--calls", "1"], backend.options());
    assert_eq!(results["schema"], "ampoule/bench-events/1");
    let codecs = results["codecs"].as_array().expect("codecs");
    let by_name = |name: &str| {
        let found = codecs.iter().find(|codec| codec["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {results}"))
    };
    let (protobuf, json) =
        (by_name("Protobuf in a Protobuf event"), by_name("JSON in a JSON event"));
    assert_eq!(protobuf["ratio"], 1.0);
    assert!(protobuf["message_bytes"].as_u64() < json["message_bytes"].as_u64(), "{results}");
    assert!(json["code_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{results}");
}

fn failing() {
    let options = ["--", "--timeout", "nonsense"];
    for what in [
        ["stream", "--bytes", "1MiB"],
        ["density", "--instances", "2"],
        ["events", "--rounds", "1"],
    ] {
        let words = [&["bench"], &what[..], &options].concat();
        let done = xtask(&words).patience(PATIENCE).run().expect(1);
        assert!(done.stderr.contains("exit status: 125"), "{done:?}");
        assert!(done.stdout.is_empty(), "{done:?}");
    }
}

fn cold() {
    let scratch = Scratch::new();
    let plot = scratch.path("plots/cold.svg");
    let place = plot.display().to_string();
    let results = bench(&["cold", "--runs", "2", "--only", "ampoule", "--plot", &place], &[]);
    assert_eq!(results["schema"], "ampoule/bench-cold/1");
    let subjects = results["subjects"].as_array().expect("subjects");
    assert!(subjects.len() > 1, "{results}");
    assert_eq!(subjects[0]["name"], "static process, glibc");
    for subject in subjects {
        assert!(subject["first_byte_us"]["p50"].as_u64() <= subject["exit_us"]["p50"].as_u64());
        assert!(subject["exit_over_process"].is_f64(), "{subject}");
        let name = subject["name"].as_str().expect("a name");
        let svg = fs::read_to_string(&plot).expect("a plot");
        assert!(svg.starts_with("<svg") && svg.contains(name), "{name}: {svg}");
    }
}

fn throughput() {
    let results = bench(&["throughput", "--calls", "6", "--threads", "1,2"], &[]);
    assert_eq!(results["schema"], "ampoule/bench-throughput/1");
    let runs = results["runs"].as_array().expect("runs");
    let threads: Vec<_> = runs.iter().filter_map(|run| run["threads"].as_u64()).collect();
    assert_eq!(threads, [1, 2]);
    for run in runs {
        assert_eq!(run["calls"], 6);
        assert!(run["per_s"].as_f64().is_some_and(|it| it > 0.0), "{run}");
        assert_eq!((&run["descriptor_growth"], &run["thread_growth"]), (&0.into(), &0.into()));
    }
}
