"""Podman: the pods of the Kubernetes examples, with an image that it builds from the Dockerfile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

from tests.environments.containers import PROGRAMS, Podman, add_images, create_import, running_podman
from tests.environments.support import (
    Ended,
    Environment,
    FailedError,
    expect,
    expect_in,
    expect_that,
    simulator,
)
from tests.support.manifests import KUBERNETES
from tests.support.processes import TOKEN
from watcher.core.defaults import EXAMPLE_TARGET


def _make_secret(podman: Podman) -> None:
    """Save the token as Podman keeps a Kubernetes secret; up to 4.3 it does not decode it."""
    found = re.search(r"(\d+)\.(\d+)", podman.succeed("--version"))
    if found is None:
        raise FailedError("podman has no version")
    name = "data" if (int(found[1]), int(found[2])) < (4, 4) else "stringData"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "launchdarkly"},
        name: {"access-token": TOKEN},
    }
    file = podman.folder / "secret.yaml"
    file.write_text(yaml.safe_dump(secret))
    podman.succeed("secret", "create", "launchdarkly", file)


def _pod(name: str, folder: Path, base_uri: str, target: str) -> Path:
    """Write the pod of an example as a document of its own, as Podman knows neither Job nor CronJob."""
    (path,) = (path for path in KUBERNETES if path.stem == name)
    documents: list[object] = []
    for document in yaml.safe_load_all(path.read_text("utf-8")):
        if document["kind"] not in {"Job", "CronJob"}:
            documents.append(document)
            continue
        spec = document["spec"]
        spec = spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec
        pod = spec["template"]["spec"]
        for container in pod.get("initContainers", []) + pod["containers"]:
            container.pop("ports", None)  # no port is published in the pod's own network
            if container["image"].startswith("watcher:"):
                container["env"] = [{"name": "LD_BASE_URI", "value": base_uri}]
        for volume in pod["volumes"]:
            if "secret" in volume:
                # Podman ignores fsGroup; without `optional`, versions up to 4.3 crash.
                volume["secret"] |= {"defaultMode": 0o444, "optional": False}
        documents.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod})
    text = yaml.safe_dump_all(documents)
    expect(text.count(EXAMPLE_TARGET), 1, f"targets in {name}")
    file = folder / f"{name}.yaml"
    file.write_text(text.replace(EXAMPLE_TARGET, target))
    return file


def _play(podman: Podman, name: str, scenario: str, *containers: str) -> tuple[Ended, dict[str, Ended]]:
    """Play an example against a scenario, and return the exit code and the log of these containers."""
    with simulator(podman.folder, scenario, "--speed", "2", prefix=podman.inside("--net")) as server:
        target = create_import(podman, server.base_uri)
        file = _pod(name, podman.folder, server.base_uri, target)
        played = podman.run("kube", "play", "--network=host", file)
        ends = {}
        for container in containers:
            code = int(podman.succeed("wait", f"{name}-{container}").split()[-1])
            ends[container] = Ended(code, podman.succeed("logs", f"{name}-{container}"))
        podman.run("kube", "down", file)
    return played, ends


def _run(folder: Path) -> None:
    with running_podman(folder) as podman:
        add_images(podman, folder)
        _make_secret(podman)

        played, ends = _play(podman, "gate", "happy", "deploy")
        expect(played.code, 0, f"exit code of the gate in\n{played.output}")
        expect(ends["deploy"], Ended(0, "the import is complete\n"), "work behind the gate")

        played, ends = _play(podman, "gate", "stopped", "wait-for-import")
        expect_that("exited with code 3" in played.output, f"the closed gate's code in\n{played.output}")
        expect_in(ends["wait-for-import"].output, "stopped in LaunchDarkly")

        _, ends = _play(podman, "plain-sidecar", "happy", "watcher", "work")
        expect([end.code for end in ends.values()], [0, 0], f"exit codes of the sidecar in {ends}")
        expect_in(ends["work"].output, "warming up", "the import ended: complete")

        _, ends = _play(podman, "plain-sidecar", "stopped", "watcher", "work")
        expect([end.code for end in ends.values()], [3, 3], f"exit codes of the sidecar in {ends}")

        _, ends = _play(podman, "cronjob", "stuck", "poll")
        expect(ends["poll"].code, 0, f"exit code of the first poll in {ends}")
        expect_in(ends["poll"].output, "not final yet")


ENVIRONMENT: Final = Environment("podman", PROGRAMS, _run, root=True)
