//! What a function is given (SPEC C2, C4): arguments, environment, clocks, randomness; and what it
//! takes while it waits: nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::data::hex;
use crate::harness::{Call, Scratch, Suite};
use crate::matrix::Backend;
use crate::process::Done;
use crate::{procfs, tools};

pub fn add(suite: &mut Suite) {
    suite.each("context::arguments_are_any_bytes", arguments);
    suite.each("context::the_environment_is_closed", closed_environment);
    suite.each("context::variables_come_from_options_and_files", given_variables);
    suite.each("context::an_environment_of_almost_a_frame_arrives", large_environment);
    suite.each("context::the_deadline_is_told", deadline);
    suite.each("context::tracing_is_passed_through", tracing);
    suite.each("context::content_length_is_known_of_a_file", content_length);
    suite.each("context::no_two_calls_share_anything", fresh);
    suite.each("context::clocks_are_right", clocks);
    suite.each("context::waiting_takes_no_processor_time", waiting);
}

/// What the guest `context` said.
struct Said {
    lines: Vec<(String, String)>,
}

impl Said {
    fn of(done: &Done) -> Self {
        let split = |line: &str| {
            let (key, value) = line.split_once(' ').expect("a key and a value");
            (key.to_owned(), value.to_owned())
        };
        Self { lines: done.text().lines().map(split).collect() }
    }

    fn all(&self, key: &str) -> Vec<&str> {
        self.lines.iter().filter(|line| line.0 == key).map(|line| line.1.as_str()).collect()
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let text = |hex: &str| -> String {
            let bytes = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"));
            String::from_utf8(bytes.collect()).expect("text")
        };
        let split = |line: &str| {
            let (name, value) = line.split_once('=').expect("a name and a value");
            (text(name), text(value))
        };
        self.all("variable").into_iter().map(split).collect()
    }
}

fn said(call: Call) -> Said {
    Said::of(&call.bare().run().expect(0).silent())
}

fn arguments(backend: Backend) {
    let any: Vec<u8> = (1..=255).collect();
    let arguments = [&b""[..], b"--", b"-e", b"two words\n", &any];
    let done = backend.call("context").with(arguments.map(OsStr::from_bytes)).run().expect(0);
    let said = Said::of(&done.silent());
    assert_eq!(said.all("name"), ["context"]);
    assert_eq!(said.all("argument"), arguments.map(hex));
}

fn closed_environment(backend: Backend) {
    let call = backend.call("context").options(&["-e", "LEVEL=3"]).bare();
    let done = call.env("SECRET", "of the host").env("HOME", "/root").run().expect(0).silent();
    let variables = Said::of(&done).variables();
    let names: Vec<_> = variables.keys().map(String::as_str).collect();
    assert_eq!(names, ["AMPOULE_ABI", "FN_CALL_ID", "FN_MEMORY", "FN_NAME", "LEVEL"]);
    assert_eq!((&*variables["AMPOULE_ABI"], &*variables["FN_NAME"]), ("1", "context"));
    assert_eq!((&*variables["FN_MEMORY"], &*variables["LEVEL"]), ("16", "3"));
}

fn given_variables(backend: Backend) {
    let scratch = Scratch::new();
    let file = scratch.path("variables");
    std::fs::write(&file, "# comment\nONE=1\nTWO='as it is'\n").expect("written");
    let file = file.display().to_string();
    let options = ["--env-file", &file, "-e", "ONE=first", "-e", "HERE", "--memory", "8MiB"];
    let call = backend.call("context").options(&options).bare().env("HERE", "of the caller");
    let variables = Said::of(&call.run().expect(0).silent()).variables();
    assert_eq!((&*variables["ONE"], &*variables["TWO"]), ("first", "'as it is'"));
    assert_eq!((&*variables["HERE"], &*variables["FN_MEMORY"]), ("of the caller", "8"));
}

/// More than has room below 1 MiB, where boot information lies.
fn large_environment(backend: Backend) {
    let scratch = Scratch::new();
    let path = scratch.path("variables");
    let value = "x".repeat(1_000_000);
    std::fs::write(&path, format!("LARGE={value}\n")).expect("written");
    let call = backend.call("context").options(&["--env-file", path.to_str().expect("text")]);
    assert!(said(call).variables()["LARGE"] == value);
}

fn deadline(backend: Backend) {
    let variables = said(backend.call("context").options(&["--timeout", "60s"])).variables();
    let left: u64 = variables["FN_TIMEOUT_MS"].parse().expect("milliseconds");
    assert!((1..=60_000).contains(&left), "{left}");
    let deadline = &variables["FN_DEADLINE"];
    let shape: String =
        deadline.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(shape.starts_with("0000-00-00T00:00:00") && shape.ends_with('Z'), "{deadline}");
}

fn tracing(backend: Backend) {
    let carriers = [
        ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("TRACESTATE", "vendor=1"),
        ("BAGGAGE", "user=7"),
    ];
    let call = backend.call("context").bare();
    let call = carriers.iter().fold(call, |call, (name, value)| call.env(name, value));
    let variables = Said::of(&call.run().expect(0)).variables();
    for (name, value) in carriers {
        assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!said(backend.call("context")).variables().contains_key("TRACEPARENT"));
}

fn content_length(backend: Backend) {
    let path = tools::root().join("tests/data/cars.json");
    let length = std::fs::metadata(&path).expect("a data file").len().to_string();
    let file = File::open(path).expect("a data file");
    let call = backend.call("context").options(&["-e", "CONTENT_TYPE=application/json"]);
    let variables = Said::of(&call.bare().on(file).expect(0)).variables();
    assert_eq!(variables.get("CONTENT_LENGTH"), Some(&length));
    assert_eq!(&*variables["CONTENT_TYPE"], "application/json");
    assert!(!said(backend.call("context")).variables().contains_key("CONTENT_LENGTH"));
}

fn fresh(backend: Backend) {
    let calls = [(); 3].map(|()| said(backend.call("context")));
    let mut seen = Vec::new();
    for call in &calls {
        let [random] = call.all("random")[..] else { panic!("one line of randomness") };
        assert!(random.len() == 64 && random.trim_matches('0').len() > 32, "{random}");
        seen.extend([random.to_owned(), call.variables()["FN_CALL_ID"].clone()]);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

fn clocks(backend: Backend) {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let before = now();
    let said = said(backend.call("context"));
    let after = now();
    let wall: u128 = said.all("wall")[0].parse().expect("nanoseconds");
    assert!((before..=after).contains(&wall), "{before} <= {wall} <= {after}");
    let elapsed: u128 = said.all("elapsed")[0].parse().expect("nanoseconds");
    assert!((1..=after - before).contains(&elapsed), "{elapsed}");
}

/// One second at rest, of which a busy wait would take all: 100 ticks.
fn waiting(backend: Backend) {
    const MOST_TICKS: u64 = 25;
    let mut running = backend.call("steps").bare().spawn();
    let (stdin, mut stdout) = (running.stdin(), BufReader::new(running.stdout()));
    stdout.read_line(&mut String::new()).expect("the first line");
    let launcher = running.pid();
    let mut processes = procfs::children(launcher);
    assert_eq!(processes.len(), usize::from(backend.is_qemu()), "its children");
    processes.push(launcher);
    procfs::wait_until_idle(&processes);
    let ticks = || processes.iter().map(|&process| procfs::processor_ticks(process)).sum::<u64>();
    let before = ticks();
    let ended = procfs::wait_for_end(launcher, Duration::from_secs(1));
    let after = ticks();
    assert!(!ended, "it waits for STDIN");
    assert!(after - before <= MOST_TICKS, "{} ticks in a second of waiting", after - before);
    drop(stdin);
    running.finish().expect(0);
    drop(stdout);
}
