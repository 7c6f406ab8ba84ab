#!/usr/bin/env python3
"""Sends events of others' making through a running function, and has others read what comes out.

    cargo xtask build-fn route && cargo xtask launcher
    tests/independent/cloudevents_wire.py

Writers and readers are the newest SDKs of PyPI and of npm, both called `cloudevents`, and what protoc makes of
cloudevents.proto for Python; they are installed in a folder for the time being. The function is `route`. Each pair of
a writer and a reader is tried in every mode and format that both have; a line is printed for each, and the status is
1 if any event does not mean what it meant. Needs python3 with venv, and npm.
"""
import base64, datetime, json, os, pathlib, subprocess, sys, tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
LAUNCHER = CHECKOUT / "target/ampoule"
IMAGE = CHECKOUT / "target/fn/route/route.elf"

# What is sent: attributes, and data as text, JSON or bytes.
EVENTS = [
    {"attributes": {"id": "1", "source": "/writer", "type": "com.example.json", "subject": "a b",
                    "time": "2026-01-31T12:00:00.25Z", "datacontenttype": "application/json", "tenant": "blue"},
     "data": {"name": "Žofie", "count": 3}},
    {"attributes": {"id": "2", "source": "https://example.com/writer", "type": "com.example.text",
                    "time": "2026-01-31T12:00:00Z", "datacontenttype": "text/plain"},
     "data": "lines\nand \"marks\" ✓"},
    {"attributes": {"id": "3", "source": "urn:example:writer", "type": "com.example.bytes",
                    "time": "2026-01-31T12:00:00Z", "datacontenttype": "image/png"},
     "data": {"base64": base64.b64encode(bytes(range(256))).decode()}},
]

# An SDK as a program: an event as above, or a message {headers, body}, to the other, a line each.
PYTHON = """
import base64, datetime, json, sys
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

def written(event, mode):
    attributes = dict(event["attributes"], specversion="1.0")
    attributes["time"] = datetime.datetime.fromisoformat(attributes["time"])
    data = event["data"]
    data = base64.b64decode(data["base64"]) if isinstance(data, dict) and "base64" in data else data
    event = CloudEvent(attributes=attributes, data=data)
    message = (http.to_binary if mode == "binary" else http.to_structured)(event, JSONFormat())
    return {"headers": message.headers, "body": base64.b64encode(message.body).decode()}

def read(message):
    message = http.HTTPMessage(headers=message["headers"], body=base64.b64decode(message["body"]))
    event = http.from_http_event(message)
    attributes = {name: value.isoformat() if hasattr(value, "isoformat") else value
                  for name, value in event.get_attributes().items() if name != "specversion"}
    data = event.get_data()
    data = {"base64": base64.b64encode(data).decode()} if isinstance(data, bytes) else data
    return {"attributes": attributes, "data": data}

for line in sys.stdin:
    mode, value = json.loads(line)
    print(json.dumps(read(value) if mode == "read" else written(value, mode)))
"""

JAVASCRIPT = """
const { CloudEvent, HTTP } = require("cloudevents");
const written = (event, mode) => {
  const { base64 } = event.data;
  const data = base64 ? Uint8Array.from(Buffer.from(base64, "base64")) : event.data;
  const message = HTTP[mode](new CloudEvent({ ...event.attributes, data }));
  const body = message.body instanceof Uint8Array ? Buffer.from(message.body)
    : Buffer.from(typeof message.body == "string" ? message.body : JSON.stringify(message.body));
  return { headers: message.headers, body: body.toString("base64") };
};
const read = ({ headers, body }) => {
  const isText = /json|text/.test(headers["content-type"]);
  const bytes = Buffer.from(body, "base64");
  const { data, data_base64, specversion, ...attributes } =
    HTTP.toEvent({ headers, body: isText ? bytes.toString() : bytes }).toJSON();
  const isBytes = data_base64 || data instanceof Uint8Array;
  return { attributes, data: isBytes ? { base64: data_base64 ?? Buffer.from(data).toString("base64") } : data };
};
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\\n")) {
  const [mode, value] = JSON.parse(line);
  console.log(JSON.stringify(mode == "read" ? read(value) : written(value, mode)));
}
"""

# Numbers and names of cloudevents.proto, of CloudEvents 1.0.2.
SCHEMA = """
syntax = "proto3";
package io.cloudevents.v1;
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";
message CloudEvent {
  string id = 1; string source = 2; string spec_version = 3; string type = 4;
  map<string, Value> attributes = 5;
  oneof data { bytes binary_data = 6; string text_data = 7; google.protobuf.Any proto_data = 8; }
  message Value {
    oneof attr {
      bool ce_boolean = 1; int32 ce_integer = 2; string ce_string = 3; bytes ce_bytes = 4;
      string ce_uri = 5; string ce_uri_ref = 6; google.protobuf.Timestamp ce_timestamp = 7;
    }
  }
}
message CloudEventBatch { repeated CloudEvent events = 1; }
"""

PROTOBUF = """
import base64, datetime, json, sys
import cloudevents_pb2 as schema

def written(event):
    attributes, data = dict(event["attributes"]), event["data"]
    message = schema.CloudEvent(spec_version="1.0", **{name: attributes.pop(name) for name in ("id", "source", "type")})
    message.attributes["time"].ce_timestamp.FromJsonString(attributes.pop("time"))
    for name, value in attributes.items():
        message.attributes[name].ce_string = value
    if isinstance(data, dict) and "base64" in data:
        message.binary_data = base64.b64decode(data["base64"])
    else:
        message.text_data = data if isinstance(data, str) else json.dumps(data)
    return {"headers": {"content-type": "application/cloudevents+protobuf"},
            "body": base64.b64encode(message.SerializeToString()).decode()}

def read(message):
    event = schema.CloudEvent.FromString(base64.b64decode(message["body"]))
    attributes = {"id": event.id, "source": event.source, "type": event.type}
    for name, value in event.attributes.items():
        value = getattr(value, value.WhichOneof("attr"))
        attributes[name] = value.ToJsonString() if hasattr(value, "ToJsonString") else value
    data = getattr(event, event.WhichOneof("data"))
    if isinstance(data, bytes):
        data = {"base64": base64.b64encode(data).decode()}
    elif "json" in attributes["datacontenttype"]:
        data = json.loads(data)
    return {"attributes": attributes, "data": data}

for line in sys.stdin:
    mode, value = json.loads(line)
    print(json.dumps(read(value) if mode == "read" else written(value)))
"""


def run(*command, **options):
    options = {"check": True, "stdout": subprocess.PIPE} | options
    return subprocess.run([str(word) for word in command], **options).stdout


class Peer:
    def __init__(self, name, command, modes, **options):
        self.name, self.command, self.modes, self.options = name, command, modes, options

    def all(self, mode, values):
        lines = "".join(json.dumps([mode, value]) + "\n" for value in values)
        output = run(*self.command, input=lines.encode(), **self.options)
        return [json.loads(line) for line in output.splitlines()]


def peers(folder):
    python = folder / "python"
    run("python3", "-m", "venv", python)
    run(python / "bin/pip", "install", "--quiet", "cloudevents", "protobuf", "grpcio-tools")
    (folder / "cloudevents.proto").write_text(SCHEMA)
    run(python / "bin/python3", "-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", "cloudevents.proto",
        cwd=folder)
    run("npm", "install", "--silent", "cloudevents", cwd=folder, env=os.environ | {"npm_config_prefix": str(folder)})
    (folder / "peer.js").write_text(JAVASCRIPT)
    both = ["structured", "binary"]
    return [
        Peer("Python SDK", [python / "bin/python3", "-c", PYTHON], both),
        Peer("JavaScript SDK", ["node", folder / "peer.js"], both, cwd=folder),
        Peer("protoc for Python", [python / "bin/python3", "-c", PROTOBUF], ["protobuf"], cwd=folder,
             env=os.environ | {"PYTHONPATH": str(folder)}),
    ]


def through(message, accept):
    """What the function makes of a message, as a message."""
    headers = {name.lower(): value for name, value in message["headers"].items()}
    options = ["-e", f"HTTP_ACCEPT={accept}", "-e", f"CONTENT_TYPE={headers.pop('content-type')}"]
    for name, value in headers.items():
        if name.startswith("ce-"):
            # An HTTP header's value is percent-encoded, a variable's is not.
            options += ["-e", f"CE_{name[3:].upper()}={value.replace('%20', ' ')}"]
    body = run(LAUNCHER, "run", IMAGE, *options, "--", "*=all", input=base64.b64decode(message["body"]))
    return {"headers": {"content-type": accept}, "body": base64.b64encode(body).decode()}


def meaning(event):
    attributes = dict(event["attributes"])
    attributes["time"] = datetime.datetime.fromisoformat(attributes["time"]).astimezone(datetime.timezone.utc)
    return attributes, event["data"]


def main():
    is_good = True
    with tempfile.TemporaryDirectory() as name:
        everyone = peers(pathlib.Path(name))
        for writer in everyone:
            for mode in writer.modes:
                sent = writer.all(mode, EVENTS)
                for reader in everyone:
                    format = "protobuf" if reader.modes == ["protobuf"] else "json"
                    accept = f"application/cloudevents+{format}"
                    read = reader.all("read", [through(message, accept) for message in sent])
                    same = 0
                    for event, found in zip(EVENTS, read):
                        expected = {"attributes": event["attributes"] | {"route": "all"}, "data": event["data"]}
                        same += meaning(found) == meaning(expected)
                        if meaning(found) != meaning(expected):
                            print(meaning(found), "is not", meaning(expected), file=sys.stderr)
                    is_good &= same == len(EVENTS)
                    print(f"{writer.name}, {mode} -> route -> {format}, {reader.name}: {same} of {len(EVENTS)} the same")
    sys.exit(not is_good)


main()
