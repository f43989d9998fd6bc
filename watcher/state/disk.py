"""The state file on disk: locked against a second run, replaced as a whole, never followed through a link."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.errors import BusyError, UsageError
from watcher.state.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_LIMIT = 64 << 20
"""Bytes; a larger file is none of ours, and none is written."""

_OWN_USE = os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600


class StateFile:
    """One locked state file.

    The lock is a file of its own, ``PATH.lock``, because the state file itself is replaced. It stays there
    for good: who deletes a lock file lets two runs hold two locks of one name. The system releases the lock
    (flock(2)) with the process, however that ends.

    Args:
        path: Where it is.
        lock: The lock file's descriptor, which holds the lock.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def read(self) -> bytes | None:
        """Reads the file.

        Returns:
            Its content; None where there is no file.

        Raises:
            DamagedError: It is too large, or another user's.
            UsageError: It is a link or no regular file, or cannot be read.
        """
        with _refusing(self.path, "read"):
            try:
                # Without O_NONBLOCK, opening a pipe would wait for somebody to write.
                descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | _OWN_USE)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                _check_regular(self.path, descriptor)
                if os.fstat(descriptor).st_uid not in {os.geteuid(), 0}:
                    raise DamagedError("belongs to another user, who may have planted it")
                content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise DamagedError(f"is larger than {SIZE_LIMIT >> 20} MiB")
        return content

    def set_aside(self) -> Path:
        """Moves the file to a free name beside it.

        Returns:
            That name.

        Raises:
            UsageError: It cannot be moved.
        """
        with _refusing(self.path, "set aside"):
            number = 0
            while True:
                number += 1
                aside = Path(f"{self.path}.aside-{number}")
                with suppress(FileExistsError):
                    # An empty file takes the name first: a plain rename would replace what is there.
                    os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OWN_USE, _MODE))
                    self.path.replace(aside)
                    return aside

    def write(self, content: bytes) -> None:
        """Replaces the content as a whole: whenever the machine stops, either the old or the new is there.

        Args:
            content: The new content.

        Raises:
            OSError: It could not be written; the old content is still there.
        """
        if len(content) > SIZE_LIMIT:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        # One name for all writes, for only the holder of the lock writes: a killed run leaves no more behind.
        fresh = Path(f"{self.path}.new")
        fresh.unlink(missing_ok=True)
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OWN_USE, _MODE)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _MODE)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            fresh.replace(self.path)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)

    def close(self) -> None:
        """Releases the lock."""
        os.close(self._lock)


def open_state_file(path: Path) -> StateFile:
    """Takes the lock of a state file, which need not exist.

    Args:
        path: Where it is.

    Returns:
        The file, until it is closed.

    Raises:
        UsageError: It is a link or no regular file, or its lock cannot be had.
        BusyError: Another run holds the lock.
    """
    with _refusing(path, "used"):
        with suppress(FileNotFoundError):
            _check_kind(path, path.lstat().st_mode)
        lock_path = Path(f"{path}.lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | _OWN_USE
    with _refusing(lock_path, "used"):
        lock = os.open(lock_path, flags, _MODE)
        try:
            _check_regular(lock_path, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BusyError(
                f"another run is using --state-file {path}; nothing was asked; "
                "let it end, or name another file"
            ) from None
        except BaseException:
            os.close(lock)
            raise
    return StateFile(path, lock)


@contextmanager
def _refusing(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link(path) from None
        if error.errno == errno.ENOENT:
            raise UsageError(
                f"--state-file: the folder {path.parent} does not exist; create it, or name a file elsewhere"
            ) from None
        raise UsageError(
            f"--state-file: {path} cannot be {verb}: {error.strerror}; name a file in a folder of your own"
        ) from None


def _check_regular(path: Path, descriptor: int) -> None:
    _check_kind(path, os.fstat(descriptor).st_mode)


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise _link(path)
    if not stat.S_ISREG(mode):
        raise UsageError(f"--state-file: {path} is no regular file; name a file in a folder of your own")


def _link(path: Path) -> UsageError:
    return UsageError(f"--state-file: {path} is a symbolic link, which is not followed; name the file itself")


def _sync_folder(folder: Path) -> None:
    """Makes the new name last; some network file systems refuse that for any folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
