"""Non-blocking writes to standard output and standard error."""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar, TextIO

Defer = Callable[[float, Callable[[], None]], object]


FLUSH_TIMEOUT = 0.3
"""Seconds after a signal for which streams still wait for a reader that does not read."""

_RETRY_INTERVAL = 0.1
_MAX_PENDING = 1 << 20


class Stream:
    """Write text without holding up the watch.

    Bytes that the reader does not accept at once stay pending and are offered again, so a stopped terminal or
    a full pipe delays no poll. A write waits for the reader only if more than 1 MiB is pending.

    Text is always UTF-8 (RFC 8259, 8.1) and bypasses Python's text layer, which loses data on a non-blocking
    descriptor such as a pipe of Node.js.

    Args:
        file: The destination; None if the process was started without it.
        defer: Call a function after a delay in seconds, in the same thread; None to offer pending bytes again
            with the next write only.

    Attributes:
        flush_deadline: When all streams stop waiting and drop pending bytes, on the monotonic clock. A signal
            handler may set it while a stream waits.
    """

    flush_deadline: ClassVar[float] = math.inf

    def __init__(self, file: TextIO | None, defer: Defer | None = None) -> None:
        self._descriptor = None if file is None else _without_blocking(file.fileno())
        self._defer = defer
        self._failure: OSError | None = None
        self._pending = bytearray()
        self._is_deferred = False

    @classmethod
    def limit_flush(cls) -> None:
        """Let no stream wait for its reader longer than ``FLUSH_TIMEOUT`` from now."""
        cls.flush_deadline = time.monotonic() + FLUSH_TIMEOUT

    @property
    def is_terminal(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)

    @property
    def columns(self) -> int | None:
        """The width of the terminal; None if the destination is something else."""
        if self._descriptor is None or not self.is_terminal:
            return None
        with suppress(OSError):
            return os.get_terminal_size(self._descriptor).columns or None
        return None

    @property
    def pending(self) -> bool:
        """Whether the reader has not accepted everything yet."""
        return self._descriptor is not None and bool(self._pending)

    def fileno(self) -> int:
        """Return the descriptor, or -1 if there is none or its reader is gone."""
        return -1 if self._descriptor is None else self._descriptor

    def check(self) -> None:
        """Raise the OSError that made a write fail; a reader that closed its end is not an error."""
        if self._failure is not None:
            raise self._failure

    def write_line(self, line: str) -> None:
        """Write one line, given without its newline."""
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        self._send(text.encode("utf-8", errors="backslashreplace"))

    def write_line_of(self, pieces: Iterable[bytes]) -> None:
        """Write one line from pieces of UTF-8, given without its newline."""
        self._send(b"".join([*pieces, b"\n"]))

    def is_writable(self, timeout: float = 0.0) -> bool:
        """Return whether the destination accepts bytes within ``timeout`` seconds."""
        return bool(select.select([], [self.fileno()], [], timeout)[1])

    def drain(self) -> None:
        """Wait until the reader has accepted everything, or until the flush deadline."""
        while self.pending:
            if self.is_writable(_RETRY_INTERVAL):
                self._write_some()
            elif time.monotonic() >= self.flush_deadline:
                self._descriptor = None

    def _send(self, data: bytes) -> None:
        if self._descriptor is None:
            return
        self._pending += data
        while self.pending and self.is_writable():
            self._write_some()
        if len(self._pending) > _MAX_PENDING:
            self.drain()
        elif self.pending and self._defer is not None and not self._is_deferred:
            self._is_deferred = True
            self._defer(_RETRY_INTERVAL, self._send_deferred)

    def _send_deferred(self) -> None:
        self._is_deferred = False
        self._send(b"")

    def _write_some(self) -> None:
        try:
            # A writable pipe accepts this many bytes without blocking (POSIX, PIPE_BUF).
            del self._pending[: os.write(self.fileno(), self._pending[: select.PIPE_BUF])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._descriptor = None
        except OSError as error:
            self._failure = error
            self._descriptor = None


def _without_blocking(descriptor: int) -> int:
    """Open a terminal again: other programs share its descriptor, which must keep blocking for them."""
    try:
        # Not for a pipe or a file. Never closed: a standard stream lasts as long as the process.
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return descriptor
