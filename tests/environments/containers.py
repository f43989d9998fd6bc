"""Podman without a registry: namespaces of its own, and images that are built on this machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from tests.environments.debian import PROGRAMS as DEBIAN_PROGRAMS
from tests.environments.debian import make_root
from tests.environments.support import (
    Ended,
    Program,
    expect,
    keys_of,
    program,
    run,
    started,
    succeed,
    wait_until,
)
from tests.support.paths import ROOT
from tests.support.processes import TOKEN, environment
from watcher.version import __version__

PROGRAMS: Final = (
    *DEBIAN_PROGRAMS,
    Program("podman", "apt: podman"),
    Program("crun", "apt: crun"),
    Program("catatonit", "apt: catatonit"),
    Program("busybox", "apt: busybox-static"),
    Program("curl", "apt: curl"),
    Program("ip", "apt: iproute2"),
    Program("nsenter", "apt: util-linux"),
    Program("unshare", "apt: util-linux"),
)
IMAGES: Final = (f"localhost/watcher:{__version__}", "localhost/python:3.13-slim", "localhost/busybox:1.37")
_building = Lock()

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
class Podman:
    """Podman with files in `folder`, in the namespaces of the process `holder`."""

    folder: Path
    holder: int

    def run(self, *arguments: str | Path) -> Ended:
        """Run podman to its end."""
        return run(*self.inside("--net"), program("podman"), *arguments, env=self.environment())

    def build(self, *arguments: str | Path) -> str:
        """Run podman in this machine's network, because a build needs the package index."""
        return succeed(*self.inside(), program("podman"), *arguments, env=self.environment())

    def succeed(self, *arguments: str | Path) -> str:
        """Run podman, which must exit with 0, and return its output."""
        ended = self.run(*arguments)
        expect(ended.code, 0, f"exit code of podman {' '.join(map(str, arguments))} in\n{ended.output}")
        return ended.output

    def inside(self, *namespaces: str) -> list[str]:
        """Return the prefix of commands that run in podman's mounts and in these namespaces."""
        return [program("nsenter"), "--mount", *namespaces, f"--target={self.holder}"]

    def environment(self) -> dict[str, str]:
        """Return the variables that let podman use only files of its folder."""
        return environment(
            CONTAINERS_CONF=str(self.folder / "containers.conf"),
            CONTAINERS_STORAGE_CONF=str(self.folder / "storage.conf"),
            TMPDIR=str(self.folder),
        )


@contextmanager
def running_podman(folder: Path) -> Iterator[Podman]:
    """Make the namespaces, and remove every container and image at the end."""
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
    (folder / "containers.conf").write_text(_CONTAINERS.format(folder=folder))
    (folder / "crun").write_text(_CRUN.format(crun=program("crun")))
    (folder / "crun").chmod(0o755)
    unshare = (program("unshare"), "--mount", "--net", "--propagation=private", "/bin/sh", "-c", _NAMESPACES)
    with started(folder / "namespaces.log", *unshare) as holder:
        wait_until(lambda: "ready" in holder.log, "start of the namespaces", 10)
        podman = Podman(folder, holder.process.pid)
        try:
            yield podman
        finally:
            podman.run("pod", "rm", "--all", "--force")
            podman.run("rm", "--all", "--force")
            podman.run("system", "reset", "--force")


def archive_of(folder: Path) -> Path:
    """Return where the images are kept for all environments."""
    return folder.parent / "images.tar"


def add_images(podman: Podman, folder: Path) -> None:
    """Add the images of the examples; the first environment builds them, and keeps them for the others."""
    archive = archive_of(folder)
    with _building:
        if archive.exists():
            podman.succeed("load", "--quiet", "--input", archive)
            return
        _build_images(podman, folder)
        podman.succeed("save", "--quiet", "--multi-image-archive", "--output", archive, *IMAGES)


def _build_images(podman: Podman, folder: Path) -> None:
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
    image = IMAGES[0]
    podman.build("build", *options, "--build-arg=PYTHON_IMAGE=localhost/python:3.13-slim", "-t", image, ROOT)
    expect(podman.succeed("image", "inspect", "-f", "{{.Config.User}}", image).strip(), "65532:65532", "user")


def create_import(podman: Podman, base_uri: str) -> str:
    """Create an import with curl, because the simulator is in another network."""
    keys = podman.folder / "keys.csv"
    keys.write_text("user-1\n")
    url = f"{base_uri}/api/v2/segments/default/production/big-spenders/imports"
    curl = (program("curl"), "-sS", "--fail-with-body", "-D", "-", "-H", f"Authorization: {TOKEN}")
    headers = succeed(*podman.inside("--net"), *curl, "-F", f"file=@{keys}", "-F", "mode=merge", url)
    return keys_of(re.findall(r"(?im)^location: (\S+)", headers)[0])
