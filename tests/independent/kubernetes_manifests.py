#!/usr/bin/env python3
"""Holds the manifests of a folder of artifacts against the schemas of Kubernetes.

    kubernetes_manifests.py DIST [--install]

DIST is what `cargo xtask dist --kubernetes` made. Needs `kubernetes-validate` and PyYAML of PyPI: `--install` gets them
for the time being; without them it says so and ends with 77. A JobSink is held against what its own definition
asks for, and the Job in it against the schema of Jobs.
"""
import pathlib, subprocess, sys, tempfile

# The first version in which image volumes need no feature gate.
VERSION = "1.35"
LACKING = 77


def modules(install):
    if install:
        folder = tempfile.mkdtemp()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "kubernetes-validate", "pyyaml"]
        subprocess.run(command, check=True)
        sys.path.insert(0, folder)
    try:
        import kubernetes_validate, yaml
    except ImportError as error:
        print(f"{error}: pip install kubernetes-validate pyyaml, or --install")
        sys.exit(LACKING)
    return kubernetes_validate, yaml


def objects_to_validate(thing):
    """The objects of Kubernetes' own kinds in one, which may be of Knative's."""
    if thing["kind"] != "JobSink":
        return [thing]
    assert thing["apiVersion"] == "sinks.knative.dev/v1alpha1"
    assert set(thing) == {"apiVersion", "kind", "metadata", "spec"} and set(thing["spec"]) == {"job"}
    job = thing["spec"]["job"]
    return [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": thing["metadata"]["name"]}, **job}]


def pods(thing):
    if thing["kind"] == "JobSink":
        thing = thing["spec"]["job"]
    template = thing["spec"].get("template")
    return [template["spec"]] if template else []


def check_pod(pod, has_kvm):
    """What a schema cannot say: Pod Security's level `restricted`, and limits."""
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert not any(key.startswith("host") for key in pod)
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]} and "privileged" not in context
    limits = container["resources"]["limits"]
    assert {"cpu", "memory"} <= set(limits)
    assert (limits.get("devices.kubevirt.io/kvm") == "1") == has_kvm
    volumes = {volume["name"]: volume["image"]["reference"] for volume in pod.get("volumes", [])}
    assert [mount["name"] for mount in container.get("volumeMounts", [])] == list(volumes)
    # The function's image is pinned; what it is mounted into is the repository's own, by tag.
    functions = list(volumes.values()) or [container["image"]]
    assert all("@sha256:" in image for image in functions), functions
    images = {*functions, container["image"]}
    assert len({image.partition("@")[0].rpartition("/")[0] for image in images}) == 1, images
    tools = "ampoule-qemu:1" if not has_kvm else "busybox:1.37"
    assert not volumes or container["image"].rpartition("/")[2] == tools, images


def main():
    kubernetes_validate, yaml = modules("--install" in sys.argv)
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*/*.yaml"))
    for path in paths:
        things = list(yaml.safe_load_all(path.read_text()))
        for thing in things:
            for thing_of_kubernetes in objects_to_validate(thing):
                kubernetes_validate.validate(thing_of_kubernetes, VERSION, strict=True)
            for pod in pods(thing):
                check_pod(pod, ".tcg." not in path.name)
        print(path.name + ": " + ", ".join(thing["kind"] for thing in things))


if __name__ == "__main__":
    main()
