"""Podman: the pods of the Kubernetes examples, with an image that it builds from the Dockerfile."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from tests.environments.debian import PROGRAMS, make_root
from tests.environments.support import (
    Ended,
    Environment,
    FailedError,
    Program,
    expect,
    expect_in,
    keys_of,
    program,
    run,
    simulator,
    started,
    succeed,
    wait_until,
)
from tests.support.manifests import KUBERNETES
from tests.support.paths import ROOT
from tests.support.processes import TOKEN, environment
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.version import __version__

_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_STORAGE: Final = """[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""

_CONTAINERS: Final = """[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
static_dir = "{folder}/storage/libpod"
tmp_dir = "{folder}/run/libpod"
volume_path = "{folder}/storage/volumes"
[engine.runtimes]
crun = ["{folder}/crun"]
"""

# Podman needs control groups for pods; crun would need rights for them that containers do not have.
_CRUN: Final = """#!/bin/sh
exec {crun} --cgroup-manager=disabled "$@"
"""

# Mounts and network of its own: 0.0.0.0 in the examples must not be an address of this machine.
_NAMESPACES: Final = """
set -e
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class _Podman:
    folder: Path
    holder: int

    def run(self, *arguments: str | Path) -> Ended:
        return run(*self.inside("--net"), program("podman"), *arguments, env=self._environment())

    def build(self, *arguments: str | Path) -> str:
        """Run podman in this machine's network, because a build needs the package index."""
        return succeed(*self.inside(), program("podman"), *arguments, env=self._environment())

    def succeed(self, *arguments: str | Path) -> str:
        ended = self.run(*arguments)
        expect(ended.code, 0, f"exit code of podman {' '.join(map(str, arguments))} in\n{ended.output}")
        return ended.output

    def inside(self, *namespaces: str) -> list[str]:
        return [program("nsenter"), "--mount", *namespaces, f"--target={self.holder}"]

    def _environment(self) -> dict[str, str]:
        return environment(
            CONTAINERS_CONF=str(self.folder / "containers.conf"),
            CONTAINERS_STORAGE_CONF=str(self.folder / "storage.conf"),
            TMPDIR=str(self.folder),
        )


@contextmanager
def _podman(folder: Path) -> Iterator[_Podman]:
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
    (folder / "containers.conf").write_text(_CONTAINERS.format(folder=folder))
    (folder / "crun").write_text(_CRUN.format(crun=program("crun")))
    (folder / "crun").chmod(0o755)
    unshare = (program("unshare"), "--mount", "--net", "--propagation=private", "/bin/sh", "-c", _NAMESPACES)
    with started(folder / "namespaces.log", *unshare) as holder:
        wait_until(lambda: "ready" in holder.log, "start of the namespaces", 10)
        podman = _Podman(folder, holder.process.pid)
        try:
            yield podman
        finally:
            podman.run("pod", "rm", "--all", "--force")
            podman.run("rm", "--all", "--force")
            podman.run("system", "reset", "--force")


def _make_images(podman: _Podman, folder: Path) -> None:
    """Build the image of the checkout on a Debian, because there is no registry to pull the base from."""
    root = make_root(folder, ("python3", "python3-venv", "ca-certificates"))
    # As in the official image: `python` and an unmanaged pip in /usr/local.
    chroot = (program("chroot"), root)
    succeed(*chroot, "python3", "-m", "venv", "--system-site-packages", "--without-pip", "/usr/local")
    succeed(*chroot, "/usr/local/bin/python", "-m", "ensurepip")
    (root / "usr" / "local" / "bin" / "pip").unlink(missing_ok=True)
    (root / "usr" / "local" / "bin" / "pip").symlink_to("pip3")
    base = folder / "base.tar"
    succeed(program("tar"), "-C", root, "-cf", base, ".")
    path = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    podman.succeed("import", "-q", "-c", path, "-c", 'CMD ["python3"]', base, "localhost/python:3.13-slim")

    busybox = folder / "busybox"
    (busybox / "bin").mkdir(parents=True)
    shutil.copy2(program("busybox"), busybox / "bin" / "busybox")
    for applet in ("sh", "echo", "wget"):
        (busybox / "bin" / applet).symlink_to("busybox")
    succeed(program("tar"), "-C", busybox, "-cf", folder / "busybox.tar", ".")
    podman.succeed("import", "-q", "-c", "ENV PATH=/bin", folder / "busybox.tar", "localhost/busybox:1.37")

    options = ["--pull=never", "--isolation=chroot", "--layers=false", "--format=docker"]
    if _CERTIFICATES.is_file():  # lent to pip; it is not in the image
        options.append(f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro")
    image = f"localhost/watcher:{__version__}"
    podman.build("build", *options, "--build-arg=PYTHON_IMAGE=localhost/python:3.13-slim", "-t", image, ROOT)
    expect(podman.succeed("image", "inspect", "-f", "{{.Config.User}}", image).strip(), "65532:65532", "user")


def _make_secret(podman: _Podman) -> None:
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


def _play(podman: _Podman, name: str, scenario: str, *containers: str) -> tuple[Ended, dict[str, Ended]]:
    """Play an example against a scenario, and return the exit code and the log of these containers."""
    with simulator(podman.folder, scenario, "--speed", "2", prefix=podman.inside("--net")) as server:
        target = _create(podman, server.base_uri)
        file = _pod(name, podman.folder, server.base_uri, target)
        played = podman.run("kube", "play", "--network=host", file)
        ends = {}
        for container in containers:
            code = int(podman.succeed("wait", f"{name}-{container}").split()[-1])
            ends[container] = Ended(code, podman.succeed("logs", f"{name}-{container}"))
        podman.run("kube", "down", file)
    return played, ends


def _create(podman: _Podman, base_uri: str) -> str:
    """Create an import with curl, because the simulator is in another network."""
    keys = podman.folder / "keys.csv"
    keys.write_text("user-1\n")
    url = f"{base_uri}/api/v2/segments/default/production/big-spenders/imports"
    curl = (program("curl"), "-sS", "--fail-with-body", "-D", "-", "-H", f"Authorization: {TOKEN}")
    headers = succeed(*podman.inside("--net"), *curl, "-F", f"file=@{keys}", "-F", "mode=merge", url)
    return keys_of(re.findall(r"(?im)^location: (\S+)", headers)[0])


def _run(folder: Path) -> None:
    with _podman(folder) as podman:
        _make_images(podman, folder)
        _make_secret(podman)

        played, ends = _play(podman, "gate", "happy", "deploy")
        expect(played.code, 0, f"exit code of the gate in\n{played.output}")
        expect(ends["deploy"], Ended(0, "the import is complete\n"), "work behind the gate")

        played, ends = _play(podman, "gate", "stopped", "wait-for-import")
        expect("exited with code 3" in played.output, True, f"the closed gate's code in\n{played.output}")
        expect_in(ends["wait-for-import"].output, "stopped in LaunchDarkly")

        _, ends = _play(podman, "plain-sidecar", "happy", "watcher", "work")
        expect([end.code for end in ends.values()], [0, 0], f"exit codes of the sidecar in {ends}")
        expect_in(ends["work"].output, "warming up", "the import ended: complete")

        _, ends = _play(podman, "plain-sidecar", "stopped", "watcher", "work")
        expect([end.code for end in ends.values()], [3, 3], f"exit codes of the sidecar in {ends}")

        _, ends = _play(podman, "cronjob", "stuck", "poll")
        expect(ends["poll"].code, 0, f"exit code of the first poll in {ends}")
        expect_in(ends["poll"].output, "not final yet")


ENVIRONMENT: Final = Environment(
    "podman",
    (
        *PROGRAMS,
        Program("podman", "apt: podman"),
        Program("crun", "apt: crun"),
        Program("catatonit", "apt: catatonit"),
        Program("busybox", "apt: busybox-static"),
        Program("curl", "apt: curl"),
        Program("ip", "apt: iproute2"),
        Program("nsenter", "apt: util-linux"),
        Program("unshare", "apt: util-linux"),
    ),
    _run,
    root=True,
)
