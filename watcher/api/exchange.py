"""One request and its response: the phase, the sockets, and the memory that they use."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from aiohttp.http_exceptions import HttpProcessingError

from watcher.api.token import Secret
from watcher.core.messages.faults import Phase

if TYPE_CHECKING:
    import aiohttp
    from _typeshed import WriteableBuffer

FIELD_LIMIT = 1 << 16
"""Largest header field, in bytes."""

HEAD_LIMIT = 1 << 18
"""Largest head of a response, in bytes."""

MAX_FIELDS = HEAD_LIMIT // 16
"""Largest number of header fields; empty ones use memory too."""

SMALL = 1 << 15
"""Largest response, in bytes of memory, that is read without a slot."""

RECEIVE_BUFFER = 1 << 15
"""Size of a socket's receive buffer in bytes; asyncio reads all of it at once, on up to 100 connections."""

_LARGE_RESPONSES = 4
"""Larger responses that are read at a time; this limits the memory of 100 requests."""

_FIELD_OVERHEAD = 256
"""Memory in bytes that a header field uses beyond its text."""

_current: ContextVar[Exchange] = ContextVar("exchange")


class Exchange:
    """One request and its response.

    Args:
        large: The slots for large responses.
    """

    def __init__(self, large: asyncio.Semaphore) -> None:
        self.started = asyncio.get_running_loop().time()
        self.phase = Phase.LOOKUP
        self.token: Secret | None = None
        self.failure: BaseException | None = None  # of the connection
        self.sockets: list[CountingSocket] = []
        self.body: aiohttp.StreamReader | None = None
        self._is_malformed = False
        self._large = large
        self._reserving = asyncio.Lock()
        self.reset()
        _current.set(self)

    def reset(self) -> None:
        """Begin to count: before the response of a proxy, and again before that of the API."""
        self.slot: Slot | None = None
        self.head_size = 0
        self._after_head = 0
        self._memory = 0

    @property
    def fields_too_large(self) -> bool:
        """Whether the head, or chunk sizes and trailer fields around the body, are larger than the limit.

        Around a body of small chunks, the framing may be as large as the body in addition.
        """
        if self.body is None:
            return self.head_size > HEAD_LIMIT
        return self._framing > HEAD_LIMIT + self.body.total_bytes

    @property
    def _framing(self) -> int:
        return 0 if self.body is None else max(0, self._after_head - self.body.total_bytes)

    def elapsed(self) -> float:
        """Return the seconds since the request was started."""
        return asyncio.get_running_loop().time() - self.started

    def connected(self) -> bool:
        """Return whether one of the request's new sockets has a TCP connection."""
        for candidate in self.sockets:
            with suppress(OSError):
                candidate.getpeername()
                return True
        return False

    def fits(self, data: bytes) -> bool:
        """Count data of the response, and return whether it may be parsed without a slot."""
        framing = self._framing
        self._memory += _FIELD_OVERHEAD * data.count(b"\n")
        if self.body is None:
            self.head_size += len(data)
        else:
            self._after_head += len(data)
        return 2 * (self.head_size + framing) + self._memory <= SMALL or self.slot is not None

    def begin_body(self, body: aiohttp.StreamReader) -> None:
        """Record that the head of the response is complete."""
        self.body = body
        if self._is_malformed:
            self.reject_body()

    def reject_body(self) -> None:
        """Let the reader of the body fail: aiohttp does not tell it about malformed chunks."""
        self._is_malformed = True
        if self.body is not None:
            self.body.set_exception(HttpProcessingError(message="malformed body"))

    async def reserve(self) -> None:
        """Wait for a slot for a large response, if this one has none."""
        async with self._reserving:  # the response's task and its connection may both need it
            if self.slot is None:
                await self._large.acquire()
                self.slot = Slot(self._large)

    def close(self) -> None:
        """Return the slot, unless the response keeps it, and the memory of a failure."""
        self.slot = self.failure = None


class Slot:
    """A slot for a large response; it is released when nothing refers to it any more."""

    def __init__(self, large: asyncio.Semaphore) -> None:
        self._large = large

    def __del__(self) -> None:
        """Release the slot for the next large response."""
        self._large.release()


class CountingSocket(socket.socket):
    """A socket that counts the bytes it received: TLS hides those of an incomplete record."""

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self.received = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive and count, in a small buffer: asyncio's own of 256 KiB is slow to allocate."""
        data = super().recv(min(size, RECEIVE_BUFFER), flags)
        self.received += len(data)
        return data

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive and count."""
        count = super().recv_into(buffer, nbytes, flags)
        self.received += count
        return count


def large_response_slots() -> asyncio.Semaphore:
    """Return the slots for the large responses of one client."""
    return asyncio.Semaphore(_LARGE_RESPONSES)


def current_exchange() -> Exchange:
    """Return the exchange of the running task."""
    return _current.get()
