#!/usr/bin/env python3
"""Makes events.jsonl.zst and the launcher's examples: real payloads as CloudEvents, one a line.

    events.py OCTOKIT LAMBDA | zstd -19 > events.jsonl.zst
    events.py OCTOKIT LAMBDA --examples ../../boot/src/cli/event/examples

OCTOKIT is an unpacked npm package @octokit/webhooks-examples 7.6.1, LAMBDA an unpacked crate
aws_lambda_events 1.2.1. Attributes are what a webhook's receiver would set: `type` says which event it
is, `source` where it happened. The same input gives the same output.
"""

import json
import pathlib
import re
import sys
import uuid

EXAMPLES = {
    "github-push": ("com.github.push", 4),
    "github-issue": ("com.github.issues.opened", 0),
    "github-star": ("com.github.star.created", 0),
    "s3": ("com.amazonaws.s3-event", 0),
    "sqs": ("com.amazonaws.sqs-event-obj", 0),
    "sns": ("com.amazonaws.sns-event", 0),
    "dynamodb": ("com.amazonaws.dynamodb-event", 0),
    "eventbridge-schedule": ("com.amazonaws.eventbridge-schedule", 0),
}


def event(type_, source, data, subject=None, time=None):
    compact = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source} {type_} {compact}")),
        "source": source,
        "type": type_,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def webhooks(folder):
    for kind in json.loads((folder / "api.github.com/index.json").read_text("utf-8")):
        for payload in kind["examples"]:
            names = ["com.github", kind["name"], payload.get("action")]
            source = "https://github.com/" + next(
                (owner[key] for field, key in [("repository", "full_name"), ("organization", "login")]
                 if (owner := payload.get(field))), "")
            commit = payload.get("head_commit") or {}
            yield event(".".join(filter(None, names)), source, payload,
                        payload.get("ref") or None, commit.get("timestamp"))


def fixtures(folder):
    for path in sorted((folder / "src/fixtures").glob("example-*.json")):
        name = path.stem.removeprefix("example-")
        if "response" not in name:
            payload = json.loads(path.read_text("utf-8"))
            time = payload.get("time") if isinstance(payload, dict) else None
            # One of them is spelled in no way that a standard knows.
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(time)):
                time = None
            yield event(f"com.amazonaws.{name}", f"https://aws.amazon.com/{name.split('-')[0]}",
                        payload, time=time)


def main(octokit, lambda_, *options):
    events = [*webhooks(pathlib.Path(octokit)), *fixtures(pathlib.Path(lambda_))]
    if not options:
        for each in events:
            print(json.dumps(each, separators=(",", ":"), ensure_ascii=False))
        return
    for name, (type_, index) in EXAMPLES.items():
        chosen = [each for each in events if each["type"] == type_][index]
        path = pathlib.Path(options[1]) / f"{name}.json"
        path.write_text(json.dumps(chosen, indent=2, ensure_ascii=False) + "\n", "utf-8")


main(*sys.argv[1:])
