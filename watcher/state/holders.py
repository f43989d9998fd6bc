"""Find the process that holds a lock (Linux)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watcher.state.trust import user_name

_PROC = Path("/proc")
_FLOCK = re.compile(r"\d+: FLOCK +\S+ +\S+ (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")
_EFFECTIVE_UID = re.compile(r"^Uid:\t\d+\t(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock, and its effective user; both None if it is another user's but hidden."""

    pid: int | None = None
    uid: int | None = None

    @property
    def is_other_user(self) -> bool:
        """Whether the lock belongs to another user."""
        return self.uid != os.geteuid()

    def __str__(self) -> str:
        """Return the user and the process."""
        return "another user" if self.uid is None else f"the user {user_name(self.uid)} (process {self.pid})"


def find_holder(file: os.stat_result) -> Holder | None:
    """Return who holds the flock(2) of a file; None if that is unknown, such as in another container."""
    pid = _find_locker(file)
    if pid is None:
        return None
    # The process may have passed the open file on and ended. Only the user's own processes show their files.
    return _read_holder(pid) or next(_find_users(file), Holder())


def _find_locker(file: os.stat_result) -> int | None:
    """Return the process that took the lock; for the format, see proc_locks(5)."""
    with suppress(OSError):
        for lock in map(_FLOCK.match, (_PROC / "locks").read_text("utf-8").splitlines()):
            # Some file systems, such as btrfs, have several device numbers: the minor one may differ.
            if lock and int(lock[4]) == file.st_ino and int(lock[2], 16) == os.major(file.st_dev):
                return int(lock[1])
    return None


def _find_users(file: os.stat_result) -> Iterator[Holder]:
    """Yield the other processes that have a file open."""
    for directory in _PROC.glob("[0-9]*/fd"):
        pid = int(directory.parent.name)
        with suppress(OSError):
            if pid != os.getpid() and any(os.path.samestat(one.stat(), file) for one in directory.iterdir()):
                holder = _read_holder(pid)
                if holder is not None:
                    yield holder


def _read_holder(pid: int) -> Holder | None:
    with suppress(OSError):
        uid = _EFFECTIVE_UID.search((_PROC / str(pid) / "status").read_text("utf-8", errors="replace"))
        return None if uid is None else Holder(pid, int(uid[1]))
    return None
