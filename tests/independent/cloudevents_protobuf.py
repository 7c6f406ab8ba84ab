#!/usr/bin/env python3
"""Encodes the conformance cases of the CloudEvents Protobuf format with Google's own implementation.

    cloudevents_protobuf.py PROTO_FOLDER > tests/data/cloudevents/protobuf.json

PROTO_FOLDER holds cloudevents.proto of cloudevents/spec, tag ce@v1.0.2. Needs protobuf and grpcio-tools of
PyPI. The cases are in Protobuf's own JSON, beside the output; that of each of their files is a message of
the suite's conformance_tests.proto, of which the fields that matter are read here by name.
"""
import base64, importlib, json, pathlib, sys, tempfile

from google.protobuf import json_format
from grpc_tools import protoc
import grpc_tools

CASES = pathlib.Path(__file__).parent.parent / "data/cloudevents/protobuf"
KINDS = {"validSingle": "CloudEvent", "invalidSingle": "CloudEvent",
         "validBatch": "CloudEventBatch", "invalidBatch": "CloudEventBatch"}


def schema(folder):
    """The module that protoc makes of cloudevents.proto."""
    with tempfile.TemporaryDirectory() as out:
        well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        status = protoc.main(["protoc", f"-I{folder}", f"-I{well_known}", f"--python_out={out}", "cloudevents.proto"])
        assert status == 0, status
        sys.path.insert(0, out)
        return importlib.import_module("cloudevents_pb2")


def encoded(module):
    for file in sorted(CASES.glob("*.json")):
        for case in json.loads(file.read_text("utf-8-sig"))["tests"]:
            [kind] = KINDS.keys() & case.keys()
            message = json_format.ParseDict(case[kind], getattr(module, KINDS[kind])())
            data = message.SerializeToString(deterministic=True)
            yield {"id": case["id"], "kind": kind, "sample": case.get("sampleId"),
                   "bytes": base64.b64encode(data).decode()}


def main():
    cases = [json.dumps(case) for case in encoded(schema(sys.argv[1]))]
    print("[\n" + ",\n".join(cases) + "\n]")


main()
