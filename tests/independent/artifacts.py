#!/usr/bin/env python3
"""Checks a folder that `cargo xtask dist --sign` has made with other people's programs.

    artifacts.py FOLDER PUBLIC_KEY

- each bill of materials by the official schema of CycloneDX, with `cyclonedx-python-lib` of PyPI, which brings it;
- each signature by `openssl`, over what the protocol of DSSE says is signed;
- each digest of a statement by `hashlib`.

Needs python3 and openssl, and `cyclonedx-python-lib[json-validation]`: exits with 77 if that is not there.
"""
import base64, hashlib, json, pathlib, subprocess, sys, tempfile

try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
except ImportError as why:
    print(why)
    sys.exit(77)


def check_bill(path):
    bill = json.loads(path.read_text())
    version = SchemaVersion.from_version(bill["specVersion"])
    error = JsonStrictValidator(version).validate_str(path.read_text())
    assert error is None, f"{path}: {error}"
    own = bill["metadata"]["component"]
    image = path.with_name(own["name"] + ".elf").read_bytes()
    assert own["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(image).hexdigest()}], path
    components = {component["bom-ref"]: component for component in bill["components"]}
    assert len(components) == len(bill["components"]), f"{path}: one reference for two"
    edges = {node["ref"]: node["dependsOn"] for node in bill["dependencies"]}
    assert edges.keys() == components.keys() | {own["bom-ref"]}, path
    # Everything is there because the function needs it.
    reached, waiting = set(), [own["bom-ref"]]
    while waiting:
        reference = waiting.pop()
        if reference not in reached:
            reached.add(reference)
            waiting += edges[reference]
    assert reached == edges.keys(), f"{path}: nothing needs {edges.keys() - reached}"
    for component in components.values():
        assert "purl" not in component or component["hashes"], f"{path}: no hash of {component}"
    return len(components)


def check_envelope(path, key):
    envelope = json.loads(path.read_text())
    payload, kind = base64.b64decode(envelope["payload"], validate=True), envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    [signature] = envelope["signatures"]
    with tempfile.TemporaryDirectory() as folder:
        data, file = pathlib.Path(folder, "data"), pathlib.Path(folder, "signature")
        data.write_bytes(signed)
        file.write_bytes(base64.b64decode(signature["sig"], validate=True))
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", data,
                        "-sigfile", file], check=True, stdout=subprocess.DEVNULL)
    return payload


def check_statement(payload, folder):
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1", folder
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1", folder
    for field in "buildType", "externalParameters", "resolvedDependencies":
        assert statement["predicate"]["buildDefinition"][field], (folder, field)
    assert statement["predicate"]["runDetails"]["builder"]["id"], folder
    for subject in statement["subject"]:
        digest = hashlib.sha256((folder / subject["name"]).read_bytes()).hexdigest()
        assert subject["digest"] == {"sha256": digest}, (folder, subject)


def main():
    root, key = pathlib.Path(sys.argv[1]), sys.argv[2]
    assert check_envelope(root / "SHA256SUMS.dsse.json", key) == (root / "SHA256SUMS").read_bytes()
    for manifest in sorted(root.glob("*/manifest.json")):
        folder = manifest.parent
        payload = check_envelope(folder / f"{folder.name}.intoto.dsse.json", key)
        assert payload == (folder / f"{folder.name}.intoto.json").read_bytes(), folder
        check_statement(payload, folder)
        print(f"{folder.name}: {check_bill(folder / f'{folder.name}.cdx.json')} crates")


main()
