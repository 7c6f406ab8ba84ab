//! `cargo xtask`: new functions, what building them says, and what is told of the results.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Scratch, Suite, xtask};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::{hints, tools};

pub fn add(suite: &mut Suite) {
    suite.once("build::a_second_build_changes_nothing", second_build);
    suite.once("build::an_unknown_function_is_told_with_the_nearest", unknown_function);
    suite.once("build::wrong_settings_are_told_with_what_was_meant", wrong_settings);
    suite.once("build::a_crate_that_needs_std_is_named", needs_std);
    suite.once("build::an_unknown_template_is_told_with_those_there_are", unknown_template);
    suite.once("build::inspect_tells_notes_segments_and_sizes", inspect);
    suite.once("build::list_names_every_function", list);
    suite.once("build::doctor_tells_each_check", doctor);
    suite.once("build::completions_are_there_for_each_shell", completions);
    suite.once("build::the_image_of_echo_is_small", small);
    for (template, options) in [
        ("bytes", &[][..]),
        ("lines", &[]),
        ("json", &[]),
        ("cloudevent", &["--type", "com.example.visited", "--content-type", "application/json"]),
        (
            "protobuf",
            &["--type", "t", "--content-type", "application/protobuf", "--data", "\n\x03Ada"],
        ),
    ] {
        suite.each(&format!("build::a_new_function_of_{template}_runs"), move |backend| {
            new_function(backend, template, options);
        });
    }
    suite.each("build::invoke_builds_and_runs", invoke);
}

fn json(done: &Done) -> Value {
    serde_json::from_str(done.text()).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// Makes a function called `name`; its manifest's path, and its folder.
fn new(scratch: &Scratch, name: &str, template: &str) -> (String, PathBuf) {
    let path = scratch.path("fresh");
    let shown = path.display().to_string();
    xtask(&["new", name, "--template", template, "--path", &shown]).run().expect(0);
    (path.join("Cargo.toml").display().to_string(), path)
}

/// Builds a new function. All new functions share what they depend on, so that it is compiled once.
fn build_new(name: &str, manifest: &str) -> Invocation {
    let build = ["build-fn", name, "--manifest-path", manifest, "--message-format", "json"];
    xtask(&build).env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/new"))
}

fn second_build() {
    let build = || xtask(&["build-fn", "echo", "--message-format", "json"]).run().expect(0);
    let first = json(&build());
    let second = json(&build());
    assert_eq!((&second["fresh"], &second["sha256"]), (&true.into(), &first["sha256"]));
    let path = second["path"].as_str().expect("a path");
    assert_eq!(
        fs::metadata(path).expect("the image").len(),
        second["bytes"].as_u64().expect("a size")
    );
    let folder = Path::new(path).parent().expect("a folder");
    let names = fs::read_dir(folder).expect("a folder").count();
    assert_eq!(names, 2, "an image, its twin and nothing else in {}", folder.display());
}

fn unknown_function() {
    let done = xtask(&["build-fn", "ehco"]).run().expect(1);
    assert!(done.stderr.contains("\"ehco\"") && done.stderr.contains("\"echo\""), "{done:?}");
    let done = xtask(&["build-fn", "nothing-like-any"]).run().expect(1);
    assert!(done.stderr.contains("cargo xtask list"), "{done:?}");
    hints::check(&done.stderr);
}

fn wrong_settings() {
    let scratch = Scratch::new();
    let (manifest, folder) = new(&scratch, "fresh", "bytes");
    let path = folder.join("Cargo.toml");
    let good = fs::read_to_string(&path).expect("a manifest");
    let (before, after) = good.split_once("[package.metadata.fn]\n").unwrap_or((&good, ""));
    let after = after.find("\n[").map_or("", |at| &after[at..]);
    for (settings, parts) in [
        ("memmory = \"16MiB\"", &["\"memmory\"", "did you mean \"memory\"?"][..]),
        ("memory = \"3MiB\"", &["`memory`", "3MiB", "2MiB"]),
        ("memory = 16", &["`memory`", "\"16MiB\""]),
        ("stack = \"1B\"", &["`stack`"]),
        ("timeout = \"soon\"", &["`timeout`"]),
        ("event-modes = [\"bynary\"]", &["did you mean \"binary\"?"]),
        ("capabilities = [\"network\"]", &["\"network\""]),
    ] {
        let text = format!("{before}\n[package.metadata.fn]\n{settings}\n{after}");
        fs::write(&path, text).expect("written");
        let done = xtask(&["build-fn", "fresh", "--manifest-path", &manifest]).run().expect(1);
        for part in parts.iter().chain(&["fresh/Cargo.toml"]) {
            assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
        }
    }
}

fn needs_std() {
    let scratch = Scratch::new();
    let (manifest, folder) = new(&scratch, "fresh", "bytes");
    let helper = folder.join("helper");
    fs::create_dir_all(helper.join("src")).expect("a folder");
    let package = "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(helper.join("Cargo.toml"), package).expect("written");
    let source = "pub fn now() -> std::time::Instant { std::time::Instant::now() }\n";
    fs::write(helper.join("src/lib.rs"), source).expect("written");
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).expect("a manifest");
    let text = text.replace("[dependencies]", "[dependencies]\nhelper = { path = \"helper\" }");
    fs::write(&path, text).expect("written");
    let main = folder.join("src/main.rs");
    let text = fs::read_to_string(&main).expect("a source");
    fs::write(&main, format!("{text}\nuse helper as _;\n")).expect("written");
    let done = build_new("fresh", &manifest).run().expect(1);
    let error = done.stderr.lines().rfind(|line| line.starts_with("error: function"));
    let error = error.unwrap_or_else(|| panic!("no last word in {done:?}"));
    assert!(error.contains("helper") && error.contains("std"), "{error}");
}

fn unknown_template() {
    let scratch = Scratch::new();
    let path = scratch.path("fresh").display().to_string();
    let done = xtask(&["new", "fresh", "--template", "line", "--path", &path]).run().expect(1);
    for part in ["\"line\"", "did you mean \"lines\"?", "bytes", "json"] {
        assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
    }
    assert!(scratch.names().is_empty());
}

fn inspect() {
    let report = json(&xtask(&["inspect", "echo", "--json"]).run().expect(0));
    assert_eq!(report["schema"], "ampoule/inspect/1");
    assert_eq!(
        (&report["function"]["name"], &report["function"]["abi_version"]),
        (&"echo".into(), &1.into())
    );
    let owners: Vec<_> =
        report["notes"].as_array().expect("notes").iter().map(|n| &n["owner"]).collect();
    assert!(owners.contains(&&"Xen".into()) && owners.contains(&&"Ampoule".into()));
    for segment in report["segments"].as_array().expect("segments") {
        assert!(!(segment["writable"] == true && segment["executable"] == true), "{segment}");
    }
    let crates = report["crates"].as_array().expect("crates");
    assert!(
        crates.iter().any(|part| part["name"] == "ampoule" && part["bytes"].as_u64() > Some(0))
    );
    assert!(report["sections"].as_array().is_some_and(|sections| !sections.is_empty()));
    let text = xtask(&["inspect", "echo"]).run().expect(0);
    assert!(text.text().contains("ABI 1") && text.text().contains(".text"), "{text:?}");
    let bundle = tools::bundle("echo").display().to_string();
    let of_bundle = json(&xtask(&["inspect", &bundle, "--json"]).run().expect(0));
    assert_eq!(
        (&of_bundle["function"], &of_bundle["bytes"]),
        (&report["function"], &report["bytes"])
    );
    let scratch = Scratch::new();
    let damaged = scratch.path("echo.elf").display().to_string();
    let mut image = fs::read(tools::get().image("echo")).expect("an image");
    let middle = image.len() / 2;
    image[middle] ^= 1;
    fs::write(&damaged, image).expect("written");
    let shown = xtask(&["inspect", &damaged]).run().expect(0);
    assert!(shown.text().contains("echo 0.1.0, ABI 1"), "{shown:?}");
    assert!(shown.stderr.contains("echo.elf cannot be run: it was altered"), "{shown:?}");
    let launcher = tools::get().launcher.display().to_string();
    let other = xtask(&["inspect", &launcher]).run().expect(1);
    assert!(other.stderr.contains("it has no Ampoule note"), "{other:?}");
}

fn list() {
    let listing = json(&xtask(&["list", "--json"]).run().expect(0));
    let functions = listing["functions"].as_array().expect("functions");
    let text = xtask(&["list"]).run().expect(0);
    for example in crate::examples::all() {
        let entry = functions.iter().find(|entry| entry["name"] == *example.name);
        let description = entry.expect("it is listed")["description"].as_str().expect("it is told");
        assert!(text.text().contains(&example.name) && text.text().contains(description));
    }
}

fn doctor() {
    // Its status is the machine's matter.
    let report = json(&xtask(&["doctor", "--json"]).run());
    assert_eq!(report["schema"], "ampoule/doctor/1");
    let checks = report["checks"].as_array().expect("checks");
    for name in ["rustc", "qemu", "kvm"] {
        let check = checks.iter().find(|check| check["name"] == name).expect("it is checked");
        let needs_remedy = check["state"] != "good";
        assert_eq!(check["remedy"].is_string(), needs_remedy, "{check}");
    }
}

fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        let done = xtask(&["completions", shell]).run().expect(0).silent();
        assert!(done.text().contains("build-fn"), "{shell}");
        let done = crate::harness::launcher(&["completions", shell]).run().expect(0).silent();
        assert!(done.text().contains("timeout"), "{shell}");
    }
}

fn small() {
    let bytes = fs::metadata(tools::get().image("echo")).expect("the image").len();
    assert!(bytes <= 64 << 10, "{bytes} bytes");
}

fn new_function(backend: Backend, template: &str, options: &[&str]) {
    let scratch = Scratch::new();
    let name = format!("new-{template}-{backend}");
    let (manifest, _) = new(&scratch, &name, template);
    let built = json(&build_new(&name, &manifest).run().expect(0));
    let image = built["path"].as_str().expect("a path");
    let call = backend.call_image(image).options(options).bare();
    let done = call.feed(b"{\"name\":\"World\"}\n").expect(0).silent();
    assert!(!done.stdout.is_empty(), "{done:?}");
}

fn invoke(backend: Backend) {
    let invoke = |what: &str, arguments: &[&str]| {
        xtask(&[&["invoke", what], backend.options(), &["--"], arguments].concat())
    };
    let done = invoke("wc", &["-l"]).feed(b"1\n2\n").expect(0);
    assert_eq!(done.silent().text(), "2\n");
    let image = tools::get().image("wc").display().to_string();
    let done = invoke(&image, &["-c"]).feed(b"12345").expect(0);
    assert_eq!(done.silent().text(), "5\n");
    invoke("fail", &["status", "65"]).run().expect(65).silent();
}
