#!/usr/bin/env python3
"""Compares how SDKs of CloudEvents and `ampoule-event` keep to the conformance cases of the JSON format.

    cloudevents_sdks.py > table.md

Installs the newest `cloudevents` of PyPI and of npm in a folder for the time being, and builds the newest
`cloudevents-sdk` of cargo's registry and this checkout's `ampoule-event` there. Needs python3 with venv, npm and cargo.

Each of the four reads every single event as strictly as it can and writes it again. A valid case is passed if
what is written has the case's members with the case's values, instants being compared as such; an invalid
one if it is refused. A reader that gives an event without `time` one is passed, and said to.
"""
import datetime, json, os, pathlib, subprocess, tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSED = "✓"
CASES = CHECKOUT / "tests/data/cloudevents/json"

PYTHON = """
import json, sys
from cloudevents.core.formats.json import JSONFormat
for text in json.load(sys.stdin):
    try:
        written = json.loads(JSONFormat().write(JSONFormat().read(None, text)))
    except Exception:
        written = None
    print(json.dumps(written))
"""

JAVASCRIPT = """
const { HTTP } = require("cloudevents");
const headers = { "content-type": "application/cloudevents+json" };
for (const body of JSON.parse(require("fs").readFileSync(0))) {
  let written = "null";
  try {
    const event = HTTP.toEvent({ headers, body });
    if (event.validate()) written = HTTP.structured(event).body;
  } catch {}
  console.log(written);
}
"""

RUST = """
fn main() {
    let texts: Vec<String> = serde_json::from_reader(std::io::stdin()).unwrap();
    for text in texts {
        println!("{}", written(&text).unwrap_or("null".into()));
    }
}
"""
RUST_SDK = """
fn written(text: &str) -> Option<String> {
    serde_json::to_string(&serde_json::from_str::<cloudevents::Event>(text).ok()?).ok()
}
"""
AMPOULE = """
fn written(text: &str) -> Option<String> {
    String::from_utf8(ampoule_event::to_json(&ampoule_event::from_json(text.as_bytes()).ok()?)).ok()
}
"""


def run(*command, **options):
    options = {"check": True, "stdout": subprocess.PIPE, "text": True} | options
    return subprocess.run([str(word) for word in command], **options).stdout


def python(folder):
    run("python3", "-m", "venv", folder)
    run(folder / "bin/pip", "install", "--quiet", "cloudevents")
    [version] = [line.split()[1] for line in run(folder / "bin/pip", "show", "cloudevents").splitlines()
                 if line.startswith("Version:")]
    return f"`cloudevents` {version} (PyPI)", [folder / "bin/python3", "-c", PYTHON]


def javascript(folder):
    folder.mkdir()
    run("npm", "install", "--silent", "cloudevents", cwd=folder, env=os.environ | {"npm_config_prefix": str(folder)})
    version = json.loads((folder / "node_modules/cloudevents/package.json").read_text())["version"]
    (folder / "read.js").write_text(JAVASCRIPT)
    return f"`cloudevents` {version} (npm)", ["node", folder / "read.js"]


def rust(folder, crate, dependency, function):
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(f"""
        [package]
        name = "read"
        edition = "2024"
        [dependencies]
        {crate} = {{ {dependency} }}
        serde_json = "1"
        [workspace]
    """)
    (folder / "src/main.rs").write_text(RUST + function)
    run("cargo", "build", "--quiet", cwd=folder, env=os.environ | {"CARGO_TARGET_DIR": str(folder / "target")})
    packages = json.loads(run("cargo", "metadata", "--format-version=1", cwd=folder))["packages"]
    [version] = [package["version"] for package in packages if package["name"] == crate]
    return f"`{crate}` {version}", [folder / "target/debug/read"]


def cases():
    """Identifier, text, and the members that are expected: None if it is to be refused."""
    for file, is_valid in ("valid-events", True), ("invalid-events", False):
        for case in json.loads((CASES / f"{file}.json").read_text("utf-8-sig"))["tests"]:
            yield case["id"], json.dumps(case["event"]), meaning(case["event"]) if is_valid else None


def meaning(event):
    """The members of an event that have a value, instants as such."""
    def value(name, text):
        is_time = name == "time" or name == "exttimestamp"
        return str(datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)) if is_time else text
    return None if event is None else {name: value(name, text) for name, text in event.items() if text is not None}


def verdict(expected, written):
    try:
        found = meaning(written)
    except Exception:
        found = "something that is no event"
    if found == expected:
        return PASSED
    if found and expected and {name: found[name] for name in found if name != "time"} == expected:
        return f"{PASSED}, adds a `time`"
    return "refuses it" if found is None else "takes it" if expected is None else "changes it"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        readers = [
            rust(folder / "ampoule", "ampoule-event", f'path = "{CHECKOUT}/runtime-lib/event"', AMPOULE),
            python(folder / "python"),
            javascript(folder / "javascript"),
            rust(folder / "rust", "cloudevents-sdk", 'version = "*"', RUST_SDK),
        ]
        table = list(cases())
        texts = json.dumps([text for _, text, _ in table])
        columns = []
        for _, command in readers:
            lines = run(*command, input=texts).splitlines()
            assert len(lines) == len(table), command
            columns.append([verdict(expected, json.loads(line))
                            for (_, _, expected), line in zip(table, lines)])
    print(f"Made on {datetime.date.today()} by `tests/independent/cloudevents_sdks.py`.\n")
    print("| case |", " | ".join(title for title, _ in readers), "|")
    print("| --- |" + " --- |" * len(readers))
    failed = [str(sum(not cell.startswith(PASSED) for cell in column)) for column in columns]
    print(f"| **failed, of {len(table)}** |", " | ".join(f"**{count}**" for count in failed), "|")
    for (identifier, _, _), *cells in zip(table, *columns):
        print(f"| `{identifier}` |", " | ".join(cells), "|")


main()
