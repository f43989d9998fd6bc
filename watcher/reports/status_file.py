"""The result so far in a file that others may read at any time."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.events import Heartbeat
from watcher.reports.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.events import Event
    from watcher.core.exit_codes import Result
    from watcher.reports.results import ResultBuilder

    Defer = Callable[[float, Callable[[], None]], object]

_MODE = 0o644
_REST = 20.0
"""The rest after a write, in lengths of that write: rewriting a large fleet takes a twentieth of the time."""

_LONGEST_REST = 20.0
"""Seconds; a disk that was slow once must not make the file old for long."""


class StatusFile(Report):
    """Rewrites the file at each change; changes that come together share one write.

    Args:
        path: The file.
        builder: What is known.
        defer: Calls a function in the watch's thread, some seconds later.
        clock: The monotonic clock, in seconds.
    """

    def __init__(
        self, path: Path, builder: ResultBuilder, defer: Defer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = f"--status-file {path}"
        self._path = path
        self._builder = builder
        self._defer = defer
        self._clock = clock
        self._rests_until = clock()
        self._is_due = False
        self._failure: OSError | None = None

    def receive(self, event: Event) -> None:
        """Has the file written soon, unless nothing but time has gone by.

        Raises:
            OSError: An earlier write failed.
        """
        failure, self._failure = self._failure, None
        if not self._is_due and not isinstance(event, Heartbeat):
            self._is_due = True
            self._defer(max(0.0, self._rests_until - self._clock()), self._write_due)
        if failure is not None:
            raise failure

    def finish(self, result: Result) -> None:
        """Write the result at once."""
        self._is_due = False
        self._write(result)

    def _write_due(self) -> None:
        if not self._is_due:
            return
        self._is_due = False
        began = self._clock()
        try:
            self._write()
        except OSError as error:
            self._failure = error
        ended = self._clock()
        self._rests_until = ended + min(_LONGEST_REST, _REST * (ended - began))

    def _write(self, result: Result | None = None) -> None:
        replace_file(self._path, b"".join([*self._builder.encode(result), b"\n"]))


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file, so that a reader sees either all of the old one or all of the new one.

    It is not forced to the disk: it tells other programs the news, and after a crash of the machine there is
    nobody left to tell.

    Args:
        path: The file; where it is a symbolic link, the file that this leads to.
        content: All of its new content.

    Raises:
        OSError: It cannot be written, or is something else than a file.
    """
    target = Path(os.path.realpath(path))  # unlike Path.resolve, it bears a link that leads to itself
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file")  # a device would be replaced, too
    # A name of its own: of two containers that share the folder, each is likely to be process 1.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".watcher-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _MODE)  # whatever the umask: other users' containers read it
            file.write(content)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
