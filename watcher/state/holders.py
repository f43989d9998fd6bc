"""Find the process that holds a lock (Linux)."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FLOCK = re.compile(r"\d+: FLOCK +\S+ +\S+ (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")
_EFFECTIVE_UID = re.compile(r"^Uid:\t\d+\t(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock, and its effective user."""

    pid: int
    uid: int


def find_holder(file: os.stat_result) -> Holder | None:
    """Return who holds the flock(2) of a file; None if that is unknown, such as in another container.

    The format of ``/proc/locks`` is in proc_locks(5).
    """
    with suppress(OSError):
        for line in Path("/proc/locks").read_text("utf-8").splitlines():
            lock = _FLOCK.match(line)
            if lock is not None and _is_of(lock, file):
                status = Path(f"/proc/{lock[1]}/status").read_text("utf-8", errors="replace")
                uid = _EFFECTIVE_UID.search(status)
                return None if uid is None else Holder(int(lock[1]), int(uid[1]))
    return None


def _is_of(lock: re.Match[str], file: os.stat_result) -> bool:
    # Some file systems, such as btrfs, have several device numbers: the minor one may differ.
    return int(lock[4]) == file.st_ino and int(lock[2], 16) == os.major(file.st_dev)
