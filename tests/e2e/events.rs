//! Events in and out of functions, in every mode and format (SPEC C5).

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

/// A rule that fits every event.
const ANY: &str = "*=all";

/// As many real events go through one call.
const MANY: usize = 10_000;

pub fn add(suite: &mut Suite) {
    suite.each("events::each_mode_and_format_brings_the_same_event", same_event);
    suite.each("events::events_that_follow_each_other_are_answered_one_by_one", one_by_one);
    suite.each("events::binary_mode_gives_the_data_alone", binary);
    suite.each("events::no_answer_and_no_wish_change_nothing", nothing);
    suite.each("events::an_answer_tells_what_caused_it", answer);
    suite.each("events::a_chain_keeps_its_trace_in_either_format", chain);
    suite.each("events::a_batch_of_messages_is_averaged", average);
    suite.each("events::cap_n_proto_is_data_like_any_other", capnp);
    suite.each("events::bad_events_give_65_and_name_the_clause", bad);
    suite.each("events::a_batch_is_for_who_asks_for_batches", batch_refused);
    suite.each("events::ten_thousand_real_events_take_the_memory_of_one", many);
    suite.once("events::the_launcher_makes_checks_and_converts_them", made_and_checked);
    suite.once("events::the_launcher_refuses_what_is_no_event_with_65", refused);
    suite.once("events::a_deadline_holds_while_an_event_is_read", late);
}

fn json(done: &Done) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

fn event(arguments: &[&str]) -> Invocation {
    launcher(&[&["event"], arguments].concat())
}

/// What `event convert` makes of it.
fn converted(bytes: &[u8], arguments: &[&str]) -> Vec<u8> {
    event(&[&["convert"], arguments, &["-"]].concat()).feed(bytes).expect(0).silent().stdout
}

/// A recorded event, as JSON.
fn recorded(name: &str) -> Vec<u8> {
    event(&["new", "--example", name]).run().expect(0).silent().stdout
}

fn same_event(backend: Backend) {
    let mut expected: Value = serde_json::from_slice(&recorded("s3")).expect("JSON");
    expected["route"] = "all".into();
    for options in [
        &["--example", "s3", "--emit", "json"][..],
        &["--example", "s3", "--mode", "binary", "--emit", "json"],
        &["--example", "s3", "--mode", "structured"],
        &["--example", "s3", "--mode", "structured", "--format", "protobuf", "--emit", "json"],
    ] {
        let done = backend.call("route").options(options).with([ANY]).run().expect(0).silent();
        assert_eq!(json(&done), expected, "{options:?}");
    }
    for options in [
        &["--example", "s3", "--mode", "batch"][..],
        &["--example", "s3", "--mode", "batch", "--format", "protobuf", "--emit", "json"],
    ] {
        let done = backend.call("route").options(options).with([ANY]).run().expect(0).silent();
        assert_eq!(json(&done), Value::from([expected.clone()].to_vec()), "{options:?}");
    }
    let options = ["--example", "s3", "--format", "protobuf"];
    let done = backend.call("route").options(&options).with([ANY]).run().expect(0).silent();
    let back = converted(&done.stdout, &["--to", "json", "--format", "protobuf"]);
    assert_eq!(serde_json::from_slice::<Value>(&back).expect("JSON"), expected);
}

/// Each answer is there before the next event is sent.
fn one_by_one(backend: Backend) {
    let mut running = backend.call("route").with(["a.*=one", "b=two"]).spawn();
    let (mut stdin, mut stdout) = (running.stdin(), BufReader::new(running.stdout()));
    for (id, event_type, route) in [
        ("1", "a.x", Some("one")),
        ("2", "b.x", None),
        ("3", "b", Some("two")),
        ("4", "a.", Some("one")),
    ] {
        // The beginning of another event does not keep an answer back.
        let input = format!("{} {{", &minimal(id, event_type)[usize::from(id > "1")..]);
        stdin.write_all(input.as_bytes()).expect("it reads");
        let Some(route) = route else { continue };
        let mut line = String::new();
        stdout.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&answer["id"], &answer["route"]), (&id.into(), &route.into()));
    }
    drop(stdin);
    let done = running.finish().expect(65);
    assert!(done.stderr.contains("event 4 of the stream"), "{done:?}");
}

fn minimal(id: &str, event_type: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/t\",\"type\":\"{event_type}\"}}\n"
    )
}

/// What is dropped on the way is nothing to whoever comes next, and what is asked for that is no event
/// changes nothing.
fn nothing(backend: Backend) {
    let event = event(&["new", "--type", "x", "--to", "protobuf"]).run().expect(0).silent().stdout;
    let options = ["--content-type", "application/cloudevents+protobuf"];
    let route = |rule: &str, input: &[u8]| {
        backend.call("route").options(&options).with([rule]).feed(input).expect(0).silent().stdout
    };
    assert!(route("y=1", &event).is_empty());
    assert!(route("x=1", b"").is_empty());
    let input = minimal("1", "x");
    for accept in ["HTTP_ACCEPT=*/*", "HTTP_ACCEPT=", "HTTP_ACCEPT=text/html, application/json"] {
        let done = backend.call("route").options(&["-e", accept]).with([ANY]);
        assert_eq!(json(&done.feed(input.as_bytes()).expect(0).silent())["id"], "1", "{accept}");
    }
    let accept = "HTTP_ACCEPT=text/html, application/cloudevents-batch+json;q=0.5";
    let done = backend.call("route").options(&["-e", accept]).with([ANY]).feed(input.as_bytes());
    assert_eq!(json(&done.expect(0).silent())[0]["id"], "1");
}

fn binary(backend: Backend) {
    let options = ["--type", "com.example.seen", "--content-type", "image/png"];
    let bytes: Vec<u8> = (0..=255).collect();
    let done = backend.call("route").options(&options).with([ANY]).feed(&bytes).expect(0).silent();
    assert_eq!(done.stdout, bytes, "STDIN is the data, and STDOUT is the answer's");
    let options = [&options[..], &["--data", "hello", "--emit", "json", "--ext", "n=7"]].concat();
    let done = backend.call("route").options(&options).with([ANY]).feed(b"not read").expect(0);
    let event = json(&done.silent());
    assert_eq!((&event["data_base64"], &event["n"]), (&"aGVsbG8=".into(), &"7".into()));
    assert_eq!(event["type"], "com.example.seen");
    // Handed over whole, it has STDIN inside.
    let options = ["--type", "t", "--content-type", "text/plain", "--mode", "structured"];
    let done = backend.call("route").options(&options).with([ANY]).feed(b"from STDIN").expect(0);
    assert_eq!(json(&done.silent())["data"], "from STDIN");
}

fn answer(backend: Backend) {
    let done = backend.call("github-push").options(&["--example", "github-push"]).bare().run();
    let answer = json(&done.expect(0).silent());
    let cause: Value = serde_json::from_slice(&recorded("github-push")).expect("JSON");
    assert_eq!(answer["type"], "com.github.push.summary");
    assert_eq!(answer["source"], "ampoule:github-push");
    assert_eq!((&answer["causationid"], &answer["correlationid"]), (&cause["id"], &cause["id"]));
    assert_ne!(answer["id"], cause["id"]);
    assert_eq!(answer["data"]["repository"], cause["data"]["repository"]["full_name"]);
    assert_eq!(answer["data"]["commits"], 1);
    // A payload as a webhook brings it, of which nobody says that it is JSON.
    let payload = cause["data"].to_string();
    let call = backend.call("github-push").options(&["--type", "com.github.push"]).bare();
    let summary = json(&call.feed(payload.as_bytes()).expect(0).silent());
    assert_eq!(summary, answer["data"]);
    // Other events are none of its business.
    let done = backend.call("github-push").options(&["--example", "s3"]).bare().run();
    assert!(done.expect(0).silent().stdout.is_empty());
    // A trace of the call's is continued where the event has none.
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = backend.call("github-push").options(&["--example", "github-push"]).bare();
    let traced = json(&call.env("TRACEPARENT", parent).run().expect(0).silent());
    let child = traced["traceparent"].as_str().expect("a trace");
    assert_eq!(child[..36], parent[..36]);
    assert_ne!(child, parent);
}

/// `route | github-push | route`, by JSON and by Protobuf; what they end with means the same.
fn chain(backend: Backend) {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let start = event(&[
        "new",
        "--example",
        "github-push",
        "--ext",
        &format!("traceparent={PARENT}"),
        "--ext",
        "tracestate=vendor=1",
    ]);
    let start = start.run().expect(0).silent().stdout;
    let through = |function: &str, arguments: &[&str], options: &[&str], input: &[u8]| {
        let call = backend.call(function).options(options).with(arguments);
        call.feed(input).expect(0).silent().stdout
    };
    let ends = ["json", "protobuf"].map(|format| {
        let content_type = format!("application/cloudevents+{format}");
        let options = ["--content-type", &content_type];
        let first = converted(&start, &["--to", format]);
        let routed = through("route", &["com.github.push=sum"], &options, &first);
        let summed = through("github-push", &[], &options, &routed);
        let last = through("route", &["com.github.push.*=mail"], &options, &summed);
        let json = converted(&last, &["--to", "json", "--format", format]);
        serde_json::from_slice::<Value>(&json).expect("JSON")
    });
    let cause: Value = serde_json::from_slice(&start).expect("JSON");
    for end in &ends {
        assert_eq!((&end["causationid"], &end["correlationid"]), (&cause["id"], &cause["id"]));
        assert_eq!((&end["route"], &end["tracestate"]), (&"mail".into(), &"vendor=1".into()));
        let child = end["traceparent"].as_str().expect("a trace");
        assert_eq!(child[..36], PARENT[..36]);
    }
    let [one, other] = ends.map(|mut end| {
        for own in ["id", "time", "traceparent"] {
            end.as_object_mut().expect("an event").remove(own).expect("it has one");
        }
        end
    });
    assert_eq!(one, other);
}

/// Protobuf's `Reading { sensor, value }`, by hand.
fn reading(sensor: &str, value: f64) -> Vec<u8> {
    let name = [&[0x0a, sensor.len() as u8], sensor.as_bytes()].concat();
    [name, vec![0x11], value.to_le_bytes().to_vec()].concat()
}

/// Protobuf's `Average { sensor, count, mean, least, greatest }` in a list of them, likewise.
fn averaged(sensor: &str, count: u8, [mean, least, greatest]: [f64; 3]) -> Vec<u8> {
    let mut message = [&[0x0a, sensor.len() as u8], sensor.as_bytes(), &[0x10, count]].concat();
    for (tag, number) in [(0x19, mean), (0x21, least), (0x29, greatest)] {
        message.push(tag);
        message.extend(number.to_le_bytes());
    }
    [vec![0x0a, message.len() as u8], message].concat()
}

fn average(backend: Backend) {
    let scratch = Scratch::new();
    let (data, batch) = (scratch.path("data"), scratch.path("batch.pb"));
    let mut events = Vec::new();
    for (sensor, value) in [("attic", 20.0), ("cellar", 11.0), ("attic", 23.0)] {
        fs::write(&data, reading(sensor, value)).expect("written");
        let file = data.to_str().expect("text");
        let words = ["new", "--type", "com.example.read", "--content-type", "application/protobuf"];
        let made = event(&[&words[..], &["--data-file", file]].concat()).run();
        events.extend(made.expect(0).silent().stdout);
    }
    fs::write(&batch, converted(&events, &["--to", "protobuf", "--batch"])).expect("written");
    let options = ["--event", batch.to_str().expect("text"), "--mode", "batch"];
    let done = backend.call("sensor-average").options(&options).bare().run().expect(0).silent();
    let expected =
        [averaged("attic", 2, [21.5, 20.0, 23.0]), averaged("cellar", 1, [11.0; 3])].concat();
    assert!(done.stdout.windows(expected.len()).any(|part| part == expected), "{done:?}");
    let answers = converted(&done.stdout, &["--to", "json", "--format", "protobuf", "--batch"]);
    let answers: Value = serde_json::from_slice(&answers).expect("JSON");
    assert_eq!(answers[0]["type"], "com.example.read.answer");
    assert_eq!(answers.as_array().map(Vec::len), Some(1));
}

fn capnp(backend: Backend) {
    let path = tools::root().join("examples/capnp-echo/expected/attic.bin");
    let message = fs::read(&path).expect("a message");
    let raw = backend.call("capnp-echo").bare().feed(&message).expect(0).silent();
    assert_eq!(raw.stdout, message);
    let options = ["--type", "com.example.read", "--content-type", "application/x-capnp"];
    let done = backend.call("capnp-echo").options(&options).bare().feed(&message).expect(0);
    assert_eq!(done.silent().stdout, message);
    let done = backend.call("capnp-echo").bare().feed(&message[..40]).expect(65);
    assert!(done.stdout.is_empty() && done.stderr.contains("Reading"), "{done:?}");
}

fn bad(backend: Backend) {
    for (input, parts) in [
        (
            "{\"specversion\":\"1.0\",\"source\":\"/\",\"type\":\"t\"}",
            &["`id`", "CloudEvents 1.0.2"][..],
        ),
        (
            "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}",
            &["`specversion`", "0.3"],
        ),
        (
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"time\":\"noon\"}",
            &["`time`", "noon", "RFC 3339"],
        ),
        ("hello", &["line 1"]),
        ("{\"specversion\":\"1.0\"", &["middle"]),
    ] {
        let done = backend.call("route").with([ANY]).feed(input.as_bytes()).expect(65);
        assert!(done.stdout.is_empty(), "{done:?}");
        assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
        for part in parts {
            assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
        }
    }
    // What came before is answered.
    let input = format!("{}{{}}", minimal("1", "t"));
    let done = backend.call("route").with([ANY]).feed(input.as_bytes()).expect(65);
    assert_eq!(json(&done)["id"], "1");
    assert!(done.stderr.contains("event 1 of the stream"), "{done:?}");
    // Bytes that nobody calls an event.
    let options = ["--content-type", "text/csv"];
    let done = backend.call("route").options(&options).with([ANY]).feed(b"a,b").expect(65);
    assert!(done.stderr.contains("text/csv") && done.stdout.is_empty(), "{done:?}");
}

fn batch_refused(backend: Backend) {
    let options = ["--example", "s3", "--mode", "batch"];
    let done = backend.call("wc").options(&options).bare().run().expect(125);
    done.says(&["`wc`", "batched", "event-modes"]);
    let announced = "CONTENT_TYPE=application/cloudevents-batch+json";
    let done = backend.call("wc").options(&["-e", announced]).bare().feed(b"[]").expect(125);
    done.says(&["`wc`", "batched"]);
    // Any filter takes an event's data.
    let options = ["--type", "t", "--data", "three"];
    let done = backend.call("wc").options(&options).with(["-c"]).run().expect(0).silent();
    assert_eq!(done.text(), "5\n");
}

/// All recorded events again and again, a third of them dropped.
fn many(backend: Backend) {
    let stream = fs::read(tools::root().join("tests/data/events.jsonl.zst")).expect("a data file");
    let done = backend.call("zstd").with(["-d"]).feed(&stream).expect(0).silent();
    let lines: Vec<_> = done.text().lines().map(str::to_owned).collect();
    let mut input = String::new();
    let mut github = 0;
    for line in lines.iter().cycle().take(MANY) {
        writeln!(input, "{line}").expect("a string takes everything");
        github += usize::from(line.contains("\"type\":\"com.github."));
    }
    assert!(lines.len() > 400 && github > 0 && github < MANY);
    let call = backend.call("route").options(&["--memory", "4MiB"]).with(["com.github.*=all"]);
    let done = call.patience(Duration::from_secs(600)).feed(input.as_bytes());
    let done = done.expect(0).silent();
    let text = done.text();
    assert_eq!(text.lines().count(), github);
    for (index, line) in text.lines().enumerate().step_by(997) {
        let event: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(event["route"], "all", "line {index}");
    }
}

fn made_and_checked() {
    let words = ["new", "--type", "com.example.made", "--source", "/here", "--id", "7"];
    let words =
        [&words[..], &["--time", "2026-01-31T12:00:00Z", "--data", "{\"a\":1.50}"]].concat();
    let made = event(&words).run().expect(0).silent();
    assert_eq!(
        made.text(),
        "{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/here\",\"type\":\"com.example.made\",\
         \"time\":\"2026-01-31T12:00:00Z\",\"datacontenttype\":\"application/json\",\
         \"data\":{\"a\":1.50}}\n"
    );
    let check = |bytes: &[u8], arguments: &[&str]| {
        event(&[&["check"], arguments, &["-"]].concat()).feed(bytes)
    };
    assert_eq!(check(&made.stdout, &[]).expect(0).silent().text(), "-: 1 valid event\n");
    let protobuf = converted(&made.stdout, &["--to", "protobuf"]);
    assert_eq!(check(&protobuf, &[]).expect(0).silent().text(), "-: 1 valid event\n");
    assert_eq!(converted(&protobuf, &["--to", "json"]), made.stdout);
    let two = [&made.stdout[..], &made.stdout].concat();
    let batch = converted(&two, &["--to", "json", "--batch"]);
    assert_eq!(check(&batch, &[]).expect(0).silent().text(), "-: 2 valid events\n");
    let batch = converted(&batch, &["--to", "protobuf"]);
    let options = ["--format", "protobuf", "--batch"];
    assert_eq!(check(&batch, &options).expect(0).silent().text(), "-: 2 valid events\n");
    // Not a byte is missing of what does not end a line.
    let s3 = event(&["new", "--example", "s3", "--to", "protobuf"]).run().expect(0).silent();
    assert_eq!(check(&s3.stdout, &[]).expect(0).silent().text(), "-: 1 valid event\n");
    // By way of xtask it is the same.
    let xtask = crate::harness::xtask(&["event", "check", "-"]).feed(&made.stdout).expect(0);
    assert_eq!(xtask.text(), "-: 1 valid event\n");
}

fn refused() {
    let words = |words: &[&str], parts: &[&str]| {
        let done = event(words).run().expect(65).says(parts);
        assert!(done.stdout.is_empty(), "{done:?}");
    };
    words(&["new", "--type", ""], &["`type`", "CloudEvents 1.0.2"]);
    words(&["new", "--type", "t", "--source", "a b"], &["`source`", "a b"]);
    words(&["new", "--type", "t", "--ext", "Big=1"], &["Big"]);
    words(&["new", "--type", "t", "--time", "noon"], &["`time`", "noon"]);
    words(&["new", "--type", "t", "--content-type", "json"], &["`datacontenttype`", "json"]);
    let done = event(&["check", "-"]).feed(b"[{}]").expect(65).says(&["event 0 of the batch"]);
    assert!(done.stdout.is_empty(), "{done:?}");
    event(&["new"]).run().expect(125).says(&["--type"]);
    event(&["check", "/nowhere/event.json"]).run().expect(125).says(&["/nowhere/event.json"]);
    // Before any machine is there.
    let image = tools::get().image("route").display().to_string();
    let run = launcher(&["run", &image, "--type", "t", "--ext", "Big=1"]);
    run.run().expect(65).says(&["Big"]);
    let nested = ["--type", "t", "--content-type", "application/cloudevents+json", "--data", "{}"];
    let run = launcher(&[&["run", image.as_str()], &nested[..]].concat());
    run.run().expect(65).says(&["`datacontenttype`", "binary mode"]);
    let both = ["run", &image, "--event", "-", "--data-file", "-"];
    launcher(&both).run().expect(125).says(&["--event", "--data-file"]);
    let two = ["run", &image, "--type", "t", "--mode", "binary", "--format", "json"];
    launcher(&two).run().expect(125).says(&["--format", "--mode binary"]);
    launcher(&["run", &image, "--mode", "binary"]).run().expect(125).says(&["--type"]);
}

fn late() {
    let image = tools::get().image("route").display().to_string();
    let call = ["run", &image, "--event", "-", "--timeout", "200ms"];
    let mut running = launcher(&call).spawn();
    let stdin = running.stdin();
    running.finish().expect(124).says(&["STDIN", "deadline", "--timeout"]);
    drop(stdin);
}
