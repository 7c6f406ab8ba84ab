#!/usr/bin/env python3
"""Reads the container images of a folder of artifacts, as the image specification of OCI (1.1) has it.

    oci_layout.py DIST

With nothing but Python's own library. DIST is what `cargo xtask dist --oci` made: the layout `oci`, and for each
function NAME/NAME.oci.tar and NAME/manifest.json. Each blob must have the digest and the size it is named by,
each layer the files that are to be there, and the image in it the digest that manifest.json names.
"""
import base64, hashlib, io, json, pathlib, re, sys, tarfile

OCI = "application/vnd.oci.image."
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REFERENCE = re.compile(r"[A-Za-z0-9]+(([-._:@+]|--)[A-Za-z0-9]+)*")


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def read_folder(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def read_tar(content):
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for member in archive:
            assert member.isfile() and member.uid == member.gid == 0, member
            assert member.name not in files and ".." not in member.name and not member.name.startswith("/"), member
            assert not member.pax_headers, member
            files[member.name] = (member.mode, member.mtime, archive.extractfile(member).read())
    return files


def blob(files, descriptor, media_type):
    assert descriptor["mediaType"] == media_type, descriptor
    assert DIGEST.fullmatch(descriptor["digest"]), descriptor
    content = files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert (digest(content), len(content)) == (descriptor["digest"], descriptor["size"]), descriptor
    return content


def check_layer(name, layer, entrypoint):
    files = read_tar(layer)
    expected = {f"{name}.elf": 0o444, "urunc.json": 0o444}
    if entrypoint is not None:
        assert entrypoint == ["/" + name], entrypoint
        expected[name] = 0o555
    assert {path: mode for path, (mode, _, _) in files.items()} == expected, files.keys()
    assert len({time for _, time, _ in files.values()}) == 1
    image = files[f"{name}.elf"][2]
    assert image.startswith(b"\x7fELF")
    if entrypoint is not None:
        assert files[name][2].startswith(b"\x7fELF")
    urunc = {key: base64.b64decode(value, validate=True).decode() for key, value in json.loads(files["urunc.json"][2]).items()}
    return image, urunc


def check_image(files, entry):
    """The function's name and the digest of its image."""
    name = entry["annotations"]["org.opencontainers.image.ref.name"]
    assert REFERENCE.fullmatch(name), name
    manifest = json.loads(blob(files, entry, OCI + "manifest.v1+json"))
    assert manifest["schemaVersion"] == 2 and manifest["mediaType"] == entry["mediaType"]
    config = json.loads(blob(files, manifest["config"], OCI + "config.v1+json"))
    (layer,) = manifest["layers"]
    content = blob(files, layer, OCI + "layer.v1.tar")
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [digest(content)]}
    assert config["created"] == manifest["annotations"]["org.opencontainers.image.created"]
    image, urunc = check_layer(name, content, config["config"].get("Entrypoint"))
    labels = config["config"]["Labels"]
    assert labels.pop("dev.ampoule.image") == f"/{name}.elf"
    assert labels == manifest["annotations"]
    assert urunc == {key: value for key, value in labels.items() if key.startswith("com.urunc.")}
    assert labels["com.urunc.unikernel.binary"] == f"/{name}.elf" and labels["com.urunc.unikernel.hypervisor"] == "qemu"
    assert labels["org.opencontainers.image.title"] == name
    assert labels["dev.ampoule.image.digest"] == digest(image)
    return name, digest(image)


def check_layout(files):
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(files["index.json"])
    assert index["schemaVersion"] == 2 and index["mediaType"] == OCI + "index.v1+json"
    return dict(check_image(files, entry) for entry in index["manifests"])


def main(dist):
    layout = check_layout(read_folder(dist / "oci"))
    assert layout, "the layout has no images"
    for name, found in layout.items():
        content = (dist / name / f"{name}.oci.tar").read_bytes()
        archive = {path: bytes for path, (_, _, bytes) in read_tar(content).items()}
        assert check_layout(archive) == {name: found}
        manifest = json.loads((dist / name / "manifest.json").read_bytes())
        (image,) = [file["sha256"] for file in manifest["files"] if file["path"] == f"{name}.elf"]
        assert found == "sha256:" + image, (found, image)
        print(f"{name}: {found}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
