"""The state file on disk: locked against a second run, replaced atomically, never a link."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from watcher.core.errors import BusyError, UsageError
from watcher.state.holders import find_holder
from watcher.state.trust import check_owner, reason_to_set_aside

SIZE_LIMIT = 64 << 20
"""Largest state file in bytes that is read or written."""

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # without O_NONBLOCK, opening a FIFO waits for a writer
_MODE = 0o600


class UnusableError(Exception):
    """The content of a file cannot be used; the message completes the sentence "PATH …"."""


class StateFile:
    """A file that is read only if it can be trusted, and replaced atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def new_path(self) -> Path:
        """The path of the next content; only the holder of the lock writes, so one name is enough."""
        return Path(f"{self.path}.new")

    def read(self) -> bytes | None:
        """Return the content, or None if there is no file.

        Raises:
            UnusableError: The file is too large, or others could have changed it.
            UsageError: The file cannot be read, is not a regular file or belongs to another user.
        """
        with usage_errors(self.path, "read"):
            try:
                descriptor = os.open(self.path, os.O_RDONLY | _FLAGS)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                problem = reason_to_set_aside(self.path, os.fstat(descriptor))
                if problem is not None:
                    raise UnusableError(problem)
                content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise UnusableError(f"is larger than {SIZE_LIMIT >> 20} MiB")
        return content

    def set_aside(self) -> Path:
        """Rename the file to a free name beside it and return that name; raise UsageError if impossible."""
        with usage_errors(self.path, "set aside"):
            while True:
                aside = Path(f"{self.path}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
                with suppress(FileExistsError):
                    # An empty file reserves the name: renaming alone would overwrite an existing file.
                    os.close(_create(aside))
                    self.path.replace(aside)
                    return aside

    def write(self, content: bytes) -> None:
        """Replace the content atomically: after a crash, the file has either the old or the new content.

        Raises:
            OSError: It could not be written; the old content is still there.
        """
        if len(content) > SIZE_LIMIT:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        new = self.new_path
        new.unlink(missing_ok=True)
        try:
            descriptor = _create(new)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _MODE)  # whatever the umask
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            new.replace(self.path)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise


@contextmanager
def open_state_file(path: Path, warn: Callable[[str], None]) -> Iterator[StateFile]:
    """Lock a state file, which need not exist; call ``warn`` with a message if the lock file is set aside.

    The lock (flock(2)) is on a file of its own, ``PATH.lock``, because the state file is replaced. The lock
    file is never deleted: two runs could then lock two files of the same name.

    Raises:
        UsageError: The state file or its lock file is a link, belongs to another user or cannot be used.
        BusyError: Another run holds the lock.
    """
    file = StateFile(path)
    with usage_errors(path, "used"), suppress(FileNotFoundError):
        reason_to_set_aside(path, path.lstat())
    with usage_errors(path, "used"), suppress(FileNotFoundError):
        check_owner(file.new_path, file.new_path.lstat())  # of another user, it could not be replaced
    lock_path = Path(f"{path}.lock")
    with ExitStack() as stack:
        with usage_errors(lock_path, "used"):
            is_new = True
            with suppress(FileNotFoundError):
                reason_to_set_aside(lock_path, lock_path.lstat())
                is_new = False
            problem = _lock(path, lock_path, stack)
            if problem is not None and not is_new:  # the old lock stays held meanwhile, if it was free
                warn(f"--state-file: {lock_path} {problem}; it is now {StateFile(lock_path).set_aside()}.")
                problem = _lock(path, lock_path, stack)
            _check_modes(path, lock_path, problem)
        yield file


def _check_modes(path: Path, lock_path: Path, problem: str | None) -> None:
    if problem is not None:
        # A new file cannot have such a problem, except on a file system without modes.
        lock_path.unlink()
        raise UsageError(
            f"--state-file: other users can write every file in {path.parent}. "
            "Use a directory on another file system."
        )


def _lock(path: Path, lock_path: Path, stack: ExitStack) -> str | None:
    """Take the lock until the stack is closed, and return why its file must be set aside.

    Another user who could open the file may hold its lock, which must not look like another run.
    """
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | _FLAGS, _MODE)
    stack.callback(os.close, lock)
    status = os.fstat(lock)
    problem = reason_to_set_aside(lock_path, status)
    if _try_lock(lock):
        return problem
    holder = find_holder(status)
    if holder is not None and holder.is_other_user and _try_lock(lock):  # it has just ended
        return problem
    if problem is not None and (holder is None or holder.is_other_user):
        return problem if holder is None else f"{problem} and was locked by {holder}"
    if holder is not None and holder.is_other_user:
        raise UsageError(
            f"--state-file: {lock_path} is locked by {holder}. Name a file in a directory of your own."
        )
    raise BusyError(
        f"another run is using --state-file {path}; nothing was requested. "
        "Wait until it ends, or name another file."
    )


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, _MODE)


@contextmanager
def usage_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an OSError into a UsageError that names the next step; ``verb`` is a participle such as "read"."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(
            f"--state-file: the directory {path.parent} does not exist. Create it, or name another file."
        ) from None
    except OSError as error:
        raise UsageError(
            f"--state-file: {path} cannot be {verb}: {error.strerror}. "
            "Name a file in a directory of your own with free space."
        ) from None
