"""Open files and directories without following symbolic links that other users may have created."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watcher.state.trust import reason_not_to_follow

_LONGEST_CHAIN = 40  # symbolic links, as in Linux (path_resolution(7))
_ONLY_SEARCH = os.O_PATH if sys.platform == "linux" else 0
_DIRECTORY = os.O_DIRECTORY | os.O_CLOEXEC | _ONLY_SEARCH


@dataclass(slots=True)
class Place:
    """A name in an open directory.

    Attributes:
        directory: The descriptor of the directory.
        name: The name, which need not exist. If it is a symbolic link, only the kernel can follow it.
        is_kernel_link: Whether it is such a link, like ``/proc/self/fd/1``.
        shown: The path of the directory, for messages.
    """

    directory: int
    name: str
    is_kernel_link: bool
    shown: str

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open the file; fail if it has become a symbolic link."""
        no_link = 0 if self.is_kernel_link else os.O_NOFOLLOW
        return os.open(self.name, flags | no_link | os.O_CLOEXEC, mode, dir_fd=self.directory)

    def enter(self) -> None:
        """Go to the directory that has the name."""
        no_link = 0 if self.is_kernel_link else os.O_NOFOLLOW
        inner = os.open(self.name, _DIRECTORY | no_link, dir_fd=self.directory)
        self._move(inner, os.path.join(self.shown, self.name))  # noqa: PTH118 (for messages)

    def go_to_root(self) -> None:
        """Go to ``/``, where an absolute link begins."""
        self._move(os.open("/", _DIRECTORY), "/")

    def refuse(self, reason: str) -> OSError:
        """Return the error if the name must not be used."""
        return OSError(errno.EPERM, f"{os.path.join(self.shown, self.name)} {reason}")  # noqa: PTH118 (for messages)

    def _move(self, directory: int, shown: str) -> None:
        os.close(self.directory)
        self.directory, self.shown = directory, shown


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Yield the descriptor of a directory, found like a place.

    Raises:
        OSError: As for ``find_place``, or it is no directory.
    """
    with find_place(path) as place:
        place.enter()
        yield place.directory


@contextmanager
def find_place(path: Path) -> Iterator[Place]:
    """Yield the place that a path leads to.

    Each symbolic link on the way is checked and followed by itself, and nothing is looked up twice, so no
    other user can change the way meanwhile.

    Raises:
        OSError: A link must not be followed, or a directory is missing.
    """
    start = "/" if path.is_absolute() else "."
    place = Place(os.open(start, _DIRECTORY), ".", is_kernel_link=False, shown=start if start == "/" else "")
    try:
        _follow(place, _names(path))
        yield place
    finally:
        os.close(place.directory)


def _follow(place: Place, names: list[str]) -> None:
    """Move the place along the names, the last of which comes first."""
    links = 0
    while names:
        place.name = names.pop()
        target = _read_link(place)
        place.is_kernel_link = target is not None and _is_kernel_link(place)
        if target is None or place.is_kernel_link:
            if names:
                place.enter()
            continue
        links += 1
        if links > _LONGEST_CHAIN:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.is_absolute():
            place.go_to_root()
        names += _names(target)


def _names(path: Path) -> list[str]:
    return [name for name in reversed(path.parts) if name != path.anchor] or ["."]


def _read_link(place: Place) -> Path | None:
    """Return the target of a trusted symbolic link; None if the name is none, or does not exist."""
    try:
        link, target = _look_at(place.name, place.directory)
    except FileNotFoundError:
        return None
    if target is None:
        return None
    reason = reason_not_to_follow(link, os.fstat(place.directory))
    if reason is not None:
        raise place.refuse(reason)
    return Path(target)


def _look_at(name: str, directory: int) -> tuple[os.stat_result, str | None]:
    """Return the status of a name, and the target if it is a symbolic link."""
    if sys.platform != "linux":
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return status, os.readlink(name, dir_fd=directory) if stat.S_ISLNK(status.st_mode) else None
    # The descriptor keeps the link, which others may replace between the two calls.
    link = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        status = os.fstat(link)
        return status, os.readlink("", dir_fd=link) if stat.S_ISLNK(status.st_mode) else None
    finally:
        os.close(link)


def _is_kernel_link(place: Place) -> bool:
    """Return whether a link is in procfs, where the text of a link is not always a path."""
    try:
        return os.fstat(place.directory).st_dev == Path("/proc").stat().st_dev
    except OSError:
        return False
