"""A minimal Debian in a directory, with watcher installed as the examples say."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.environments.support import Program, SkippedError, program, run, succeed
from tests.support.paths import ROOT

PROGRAMS: Final = (Program("mmdebstrap", "apt: mmdebstrap"), Program("chroot", "apt: coreutils"))
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def make_root(folder: Path, packages: Sequence[str]) -> Path:
    """Install Debian into a directory, from the mirror that apt uses on this machine.

    Args:
        folder: A directory; the result is a directory in it.
        packages: Packages beside the minimal ones.

    Returns:
        The root of the new system.

    Raises:
        SkippedError: This machine is no Debian, or the mirror does not respond.
    """
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    if not _KEYRING.is_file() or not suite:
        raise SkippedError("it needs Debian and its package debian-archive-keyring")
    targets = run(program("apt-get"), "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    mirrors = [line for line in targets.output.splitlines() if "security" not in line]
    if not mirrors:
        raise SkippedError("apt has no package lists; run apt-get update")
    root = folder / "root"
    ended = run(
        program("mmdebstrap"),
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        suite,
        root,
        f"deb [signed-by={_KEYRING}] {mirrors[0].rstrip('/')} {suite} main",
    )
    if ended.code != 0:
        raise SkippedError(f"mmdebstrap failed:\n{ended.output}")
    return root


def install_watcher(root: Path) -> None:
    """Install this checkout into a virtual environment of the new system, at ``/opt/watcher``."""
    version = succeed(
        program("chroot"), root, "python3", "-c", "import sys; print(sys.version_info.minor)"
    ).strip()
    wheels = root / "wheels"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    succeed(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT)
    (built,) = wheels.glob("*.whl")
    succeed(*pip, "download", "--only-binary=:all:", f"--python-version=3.{version}", "--dest", wheels, built)
    succeed(program("chroot"), root, "python3", "-m", "venv", "/opt/watcher")
    succeed(
        program("chroot"),
        root,
        "/opt/watcher/bin/pip",
        "install",
        "--quiet",
        "--no-index",
        "--find-links=/wheels",
        f"/wheels/{built.name}",
    )
    (root / "usr" / "local" / "bin" / "watcher").symlink_to("/opt/watcher/bin/watcher")
