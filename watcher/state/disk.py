"""The state file on disk: locked against a second run, replaced atomically, never a link.

All its files are looked up in the directory that was opened first, so that nobody can exchange it meanwhile.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from watcher.core.errors import BusyError, UsageError
from watcher.core.text import reason_of
from watcher.state.holders import find_holder
from watcher.state.places import open_directory
from watcher.state.trust import check_owner, reason_to_set_aside

SIZE_LIMIT = 64 << 20
"""Largest state file in bytes that is read or written."""

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # without O_NONBLOCK, opening a FIFO waits for a writer
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_MODE = 0o600
_NEW, _LOCK = ".new", ".lock"


class UnusableError(Exception):
    """The content of a file cannot be used; the message completes the sentence "PATH …"."""


class StateFile:
    """A file that is read only if it can be trusted, and replaced atomically.

    ``directory`` is the descriptor of its directory, and ``path`` is for messages.
    """

    def __init__(self, path: Path, directory: int) -> None:
        self.path = path
        self._directory = directory
        self._name = path.name or "."

    def beside(self, suffix: str) -> StateFile:
        """Return the file whose name has a suffix in addition."""
        return StateFile(Path(f"{self.path}{suffix}"), self._directory)

    def status(self) -> os.stat_result:
        """Return the status of the file or link itself."""
        return os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)

    def open(self, flags: int) -> int:
        """Open the file and return its descriptor."""
        return os.open(self._name, flags | _FLAGS, _MODE, dir_fd=self._directory)

    def unlink(self) -> None:
        """Remove the file if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._directory)

    def rename(self, other: StateFile) -> None:
        """Give the file the name of another one, which is replaced."""
        os.replace(self._name, other._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)

    def read(self) -> bytes | None:
        """Return the content, or None if there is no file.

        Raises:
            UnusableError: The file is too large, or others could have changed it.
            UsageError: The file cannot be read, is not a regular file or belongs to another user.
        """
        with usage_errors(self.path, "read"):
            try:
                descriptor = self.open(os.O_RDONLY)
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
                aside = self.beside(f".{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
                with suppress(FileExistsError):
                    # An empty file reserves the name: renaming alone would overwrite an existing file.
                    os.close(aside.open(_CREATE))
                    self.rename(aside)
                    return aside.path

    def write(self, content: bytes) -> None:
        """Replace the content atomically: after a crash, the file has either the old or the new content.

        Raises:
            OSError: It could not be written; the old content is still there.
        """
        if len(content) > SIZE_LIMIT:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        new = self.beside(_NEW)  # only the holder of the lock writes, so one name is enough
        new.unlink()
        try:
            descriptor = new.open(_CREATE)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _MODE)  # whatever the umask
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            new.rename(self)
        except OSError:
            with suppress(OSError):
                new.unlink()
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
    with ExitStack() as stack:
        with usage_errors(path, "used"):
            file = StateFile(path, stack.enter_context(open_directory(path.parent)))
            with suppress(FileNotFoundError):
                reason_to_set_aside(path, file.status())
            new = file.beside(_NEW)
            with suppress(FileNotFoundError):
                check_owner(new.path, new.status())  # of another user, it could not be replaced
        lock = file.beside(_LOCK)
        with usage_errors(lock.path, "used"):
            is_new = True
            with suppress(FileNotFoundError):
                reason_to_set_aside(lock.path, lock.status())
                is_new = False
            problem = _lock(path, lock, stack)
            if problem is not None and not is_new:  # the old lock stays held meanwhile, if it was free
                warn(f"--state-file: {lock.path} {problem}; it is now {lock.set_aside()}.")
                problem = _lock(path, lock, stack)
            _check_modes(lock, problem)
        yield file


def _check_modes(lock: StateFile, problem: str | None) -> None:
    if problem is not None:
        # A new file cannot have such a problem, except on a file system without modes.
        lock.unlink()
        raise UsageError(
            f"--state-file: other users can write every file in {lock.path.parent}. "
            "Use a directory on another file system."
        )


def _lock(path: Path, file: StateFile, stack: ExitStack) -> str | None:
    """Take the lock until the stack is closed, and return why its file must be set aside.

    Another user who could open the file may hold its lock, which must not look like another run.
    """
    lock = file.open(os.O_RDWR | os.O_CREAT)
    stack.callback(os.close, lock)
    status = os.fstat(lock)
    problem = reason_to_set_aside(file.path, status)
    if _try_lock(lock):
        return problem
    holder = find_holder(status)
    if holder is not None and holder.is_other_user and _try_lock(lock):  # it has just ended
        return problem
    if problem is not None and (holder is None or holder.is_other_user):
        return problem if holder is None else f"{problem} and was locked by {holder}"
    if holder is not None and holder.is_other_user:
        raise UsageError(
            f"--state-file: {file.path} is locked by {holder}. Name a file in a directory of your own."
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
            f"--state-file: {path} cannot be {verb}: {reason_of(error)}. "
            "Name a file in a directory of your own with free space."
        ) from None
