"""A second local user; only root can act as one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as a second user")

_BECOME = f"import fcntl, os, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
_HOLD = """
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
if sys.argv[2] == "pass on" and os.fork():
    os._exit(0)
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def shared_directory(mode: int = 0o1777) -> Iterator[Path]:
    """Yield a directory that other users can reach, unlike those of pytest."""
    path = Path(tempfile.mkdtemp(prefix="watcher-test-", dir="/tmp"))
    try:
        path.chmod(mode)
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def locked_by_nobody(path: Path, *, passed_on: bool = False) -> Iterator[int]:
    """Hold the lock of a file that the user nobody can read, and yield the ID of the process that took it.

    With ``passed_on``, that process has ended, and its child holds the lock.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _BECOME + _HOLD, str(path), "pass on" if passed_on else "hold"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        if passed_on:
            process.wait(20)
        yield process.pid
        process.communicate(timeout=20)


def give_to_nobody(path: Path) -> None:
    """Change the owner of a file or a symbolic link."""
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
