"""Writing to standard output and standard error, where the reader may be gone."""

from __future__ import annotations

import math
import os
import select
import time
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    Defer = Callable[[float, Callable[[], None]], object]

LONGEST_FAREWELL = 0.3
"""Seconds after a signal for which a reader is waited for that does not read what is written to it."""

_LARGE = 1 << 16
_MOST_PENDING = 1 << 20
"""Bytes up to which a watch goes on while nobody reads what it tells; from there on it waits."""

_GLANCE = 0.1
"""Seconds between two looks at whether there is room, or still time to wait for it."""


class Stream:
    """Writes without holding up the watch, until that fails.

    What the reader does not take at once is kept and offered again, so that a terminal at rest or a pipe that
    nobody reads stops no poll and no clock; ``drain`` waits for the reader. A failure is kept until
    ``check``, and what follows it is dropped.

    Text goes to the descriptor as UTF-8, whatever the locale (RFC 8259, 8.1): Python's own text layer can cut
    it short where the descriptor does not block, as a pipe of Node.js does not.

    Args:
        file: Where to; None where the process was started without it.
        defer: Calls a function in the watch's thread, some seconds later; None is without a second offer.

    Attributes:
        patience_ends: The moment, on the monotonic clock in seconds, after which no stream waits for its
            reader any more, so that a signal ends the process though a pipe is full. The rest is dropped.
    """

    patience_ends: ClassVar[float] = math.inf

    def __init__(self, file: TextIO | None, defer: Defer | None = None) -> None:
        self._descriptor = None if file is None else file.fileno()
        self._defer = defer
        self._failure: OSError | None = None
        self._pending = bytearray()
        self._offers_again = False

    @classmethod
    def hurry(cls) -> None:
        """Has no stream wait much longer for its reader, for a signal wants the process to end."""
        cls.patience_ends = time.monotonic() + LONGEST_FAREWELL

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
        """Writes one line.

        Args:
            line: The line, without its end.
        """
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        """Writes text.

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

    def drain(self) -> None:
        """Waits until the reader has taken everything, or until there is no time left."""
        while self._pending and self._descriptor is not None:
            if self._waits_for_room(self._descriptor):
                self._write_some(self._descriptor)
            else:
                self._descriptor = None

    def _send(self, data: bytes) -> None:
        if self._descriptor is None:
            return
        self._pending += data
        self._offer()
        if len(self._pending) > _MOST_PENDING:
            self.drain()
        elif self._pending and self._defer is not None and not self._offers_again:
            self._offers_again = True
            self._defer(_GLANCE, self._offer_again)

    def _offer(self) -> None:
        while self._pending and self._descriptor is not None and _has_room(self._descriptor, 0.0):
            self._write_some(self._descriptor)

    def _offer_again(self) -> None:
        self._offers_again = False
        self._send(b"")

    def _write_some(self, descriptor: int) -> None:
        try:
            # So much never blocks a pipe that has room (POSIX, pipe capacity and PIPE_BUF).
            del self._pending[: os.write(descriptor, self._pending[: select.PIPE_BUF])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._descriptor = None  # no error: whoever read it has seen enough
        except OSError as error:
            self._failure = error
            self._descriptor = None

    def _waits_for_room(self, descriptor: int) -> bool:
        """Waits for a reader as long as there is time; a signal's handler may shorten it meanwhile."""
        while not _has_room(descriptor, _GLANCE):
            if time.monotonic() >= self.patience_ends:
                return False
        return True


def _has_room(descriptor: int, patience: float) -> bool:
    return bool(select.select([], [descriptor], [], patience)[1])
