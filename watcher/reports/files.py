"""Write files that the user or the CI service named, without waiting for a reader."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path

from watcher.core.text import reason_of
from watcher.state.places import Place, find_place
from watcher.state.trust import reason_not_to_write

_MODE = 0o644  # others may read, whatever the umask, but never write


def write_file(path: Path, content: bytes, *, append: bool = False) -> None:
    """Write a file or a device in place; append in one write, so that other programs' output stays apart.

    Raises:
        OSError: The file cannot be written, is a pipe without a reader, or may lead to another user's target.
    """
    with find_place(path) as place, _opened(place, append=append) as file:
        status = os.fstat(file.fileno())
        reason = reason_not_to_write(status, os.fstat(place.directory))
        if reason is not None:
            raise place.refuse(reason)
        if stat.S_ISREG(status.st_mode) and not (append or place.is_kernel_link):
            file.truncate(0)
        rest = memoryview(content)
        while rest:
            written = file.write(rest)
            if written is None:
                raise BlockingIOError(None, "no program reads it")
            rest = rest[written:]


def _opened(place: Place, *, append: bool) -> FileIO:
    """Open a place; one like ``/dev/stdout`` is an open file, whose content other programs have written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
    if append or place.is_kernel_link:
        flags |= os.O_APPEND
    return os.fdopen(place.open(flags, _MODE), "wb", buffering=0)


def empty_or_remove(path: Path) -> None:
    """Discard the content of an earlier run, but keep the file if possible; leave pipes and devices alone.

    Raises:
        OSError: It is impossible; the message says that the old content is still there.
    """
    _discard(path, _empty, partial(_remove, any_owner=False))


def remove_or_empty(path: Path) -> None:
    """Remove the file of an earlier run, or at least its content; leave pipes and devices alone.

    Raises:
        OSError: It is impossible; the message says that the old content is still there.
    """
    # ``replace_file`` replaces a file of any owner, too.
    _discard(path, partial(_remove, any_owner=True), _empty)


def _discard(path: Path, first: Callable[[Path], None], second: Callable[[Path], None]) -> None:
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        first(path)
    except OSError as error:
        try:
            second(path)
        except OSError:
            reason = f"{reason_of(error)}; it still has the content of an earlier run"
            raise OSError(error.errno, reason) from None


def _empty(path: Path) -> None:
    write_file(path, b"")


def _remove(path: Path, *, any_owner: bool) -> None:
    """Remove a regular file; one of another user only on request."""
    with find_place(path) as place:
        status = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or not (any_owner or status.st_uid == os.geteuid()):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        os.unlink(place.name, dir_fd=place.directory)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file, so that a reader sees either all of the old content or all of the new.

    The target of a symbolic link is replaced. No fsync: the file is not needed after a crash.

    Raises:
        OSError: The file cannot be written, is not a regular file, or may lead to another user's target.
    """
    with find_place(path) as place:
        if not _is_replaceable(place):
            raise OSError(errno.EINVAL, "it is not a regular file")  # a device would be replaced, too
        # A random name: containers that share the directory often have the same process ID.
        new = Place(
            place.directory, f".watcher-{os.urandom(8).hex()}", is_kernel_link=False, shown=place.shown
        )
        descriptor = new.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _MODE)  # containers of other users read it
                file.write(content)
            os.replace(new.name, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
        except BaseException:
            with suppress(OSError):
                os.unlink(new.name, dir_fd=place.directory)
            raise


def _is_replaceable(place: Place) -> bool:
    """Return whether the name does not exist yet or is a regular file."""
    if place.is_kernel_link:
        return False
    try:
        status = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode)
