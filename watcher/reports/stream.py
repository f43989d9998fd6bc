"""Writing to standard output and standard error, where the reader may be gone."""

from __future__ import annotations

import math
import os
import select
import time
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

_LARGE = 1 << 16
_GLANCE = 0.1
"""Seconds between two looks at whether there is still time to wait."""


class Stream:
    """Writes until that fails; a failure is kept until ``check``, and what follows is dropped.

    Text goes to the descriptor as UTF-8, whatever the locale (RFC 8259, 8.1): Python's own text layer can cut
    them short where the descriptor does not block, as a pipe of Node.js does not.

    Args:
        file: Where to; None where the process was started without it.

    Attributes:
        patience_ends: The moment, on the monotonic clock in seconds, after which no stream waits for its
            reader any more, so that a signal ends the process though a pipe is full. The rest is dropped.
    """

    patience_ends: ClassVar[float] = math.inf

    def __init__(self, file: TextIO | None) -> None:
        self._descriptor = None if file is None else file.fileno()
        self._failure: OSError | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def check(self) -> None:
        """Tells the failure, where what was written could not be.

        Raises:
            OSError: What kept it from being written; a reader that has gone away is no failure.
        """
        if self._failure is not None:
            raise self._failure

    def write_line(self, line: str) -> None:
        """Writes one line at once.

        Args:
            line: The line, without its end.
        """
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        """Writes text at once.

        Args:
            text: The text.
        """
        self._send(text.encode("utf-8", errors="backslashreplace"))

    def write_line_of(self, pieces: Iterable[bytes]) -> None:
        """Writes one line that may be long.

        Args:
            pieces: What it is made of, as UTF-8 and without its end.
        """
        batch = bytearray()
        for piece in pieces:
            batch += piece
            if len(batch) >= _LARGE:
                self._send(bytes(batch))
                batch.clear()
        self._send(bytes(batch + b"\n"))

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and self._descriptor is not None:
            try:
                if self._waits_for_room(self._descriptor):
                    # So much never blocks a pipe that has room (POSIX, pipe capacity and PIPE_BUF).
                    rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
                else:
                    self._descriptor = None
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self._descriptor = None  # no error: whoever read it has seen enough
            except OSError as error:
                self._failure = error
                self._descriptor = None

    def _waits_for_room(self, descriptor: int) -> bool:
        """Waits for a reader as long as there is time; a signal's handler may shorten it meanwhile."""
        while not select.select([], [descriptor], [], _GLANCE)[1]:
            if time.monotonic() >= self.patience_ends:
                return False
        return True
