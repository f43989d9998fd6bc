"""Connections to the API: their phases, and limits on what they may receive."""

from __future__ import annotations

import asyncio
import select
import socket
from contextlib import suppress
from contextvars import ContextVar
from ssl import SSLContext
from typing import Protocol, runtime_checkable

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from watcher.core.messages.faults import Phase

FIELD_LIMIT = 1 << 16
"""Largest header field, in bytes."""

HEAD_LIMIT = 1 << 18
"""Largest head of a response, in bytes."""

SMALL = 1 << 15
"""Largest response, in bytes of memory, that needs no slot."""

_LARGE_RESPONSES = 4
"""Larger responses that are read at a time; this limits the memory of 100 requests."""

_RECEIVE_BUFFER = 1 << 15
"""Size of a socket's receive buffer in bytes: asyncio reads all that is there, on 100 connections."""

_FIELD_OVERHEAD = 256
"""Memory in bytes that a header field needs beside its text."""

MAX_FIELDS = HEAD_LIMIT // 16
"""Largest number of header fields, as empty ones need memory as well."""

_current: ContextVar[Exchange] = ContextVar("exchange")


class UnrequestedDataError(aiohttp.ClientConnectionError):
    """A new connection received data before its request was sent."""


class Exchange:
    """One request and its response: its phase, and its share of the memory.

    Args:
        large: The slots for large responses.
    """

    __slots__ = (
        "_holds_slot",
        "_large",
        "_memory",
        "head_received",
        "head_size",
        "phase",
        "sockets",
        "started",
    )

    def __init__(self, large: asyncio.Semaphore) -> None:
        self.started = asyncio.get_running_loop().time()
        self.phase = Phase.LOOKUP
        self.sockets: list[socket.socket] = []
        self.head_size = 0
        self.head_received = False
        self._memory = 0
        self._large = large
        self._holds_slot = False
        _current.set(self)

    @property
    def head_too_large(self) -> bool:
        """Whether the head was still incomplete at the limit."""
        return not self.head_received and self.head_size > HEAD_LIMIT

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
        """Count data of the head, and return whether it may be parsed without a slot."""
        self.head_size += len(data)
        self._memory += 2 * len(data) + _FIELD_OVERHEAD * data.count(b"\n")
        return self._memory <= SMALL or self._holds_slot

    async def reserve(self) -> None:
        """Wait for a slot for a large response, if this one has none."""
        if not self._holds_slot:
            await self._large.acquire()
            self._holds_slot = True

    def close(self) -> None:
        """Return the slot."""
        if self._holds_slot:
            self._large.release()
            self._holds_slot = False


def large_response_slots() -> asyncio.Semaphore:
    """Return the slots for the large responses of one client."""
    return asyncio.Semaphore(_LARGE_RESPONSES)


class Connector(aiohttp.TCPConnector):
    """A connector whose connections accept only what was requested.

    Args:
        force_close: Use each connection for one request only.
        ssl: The TLS context; True for the default one.
    """

    def __init__(self, *, force_close: bool, ssl: SSLContext | bool) -> None:
        super().__init__(
            limit=0,  # the loop limits the requests in flight
            force_close=force_close,
            ssl=ssl,
            resolver=aiohttp.ThreadedResolver(),
            socket_factory=_new_socket,
        )

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
    ) -> Connection:
        """Return a connection on which nothing has arrived yet.

        Raises:
            UnrequestedDataError: Data arrived on a new connection.
        """
        exchange = _current.get()
        while True:
            exchange.phase = Phase.LOOKUP
            connection = await super().connect(req, traces, timeout)
            transport, protocol = connection.transport, connection.protocol
            if transport is None or protocol is None:  # it was closed meanwhile
                connection.close()
                raise aiohttp.ServerDisconnectedError
            guard = transport.get_protocol()
            is_new = not isinstance(guard, _Guard)
            # TLS sends session tickets unasked, soon after the handshake.
            is_readable = (not is_new or not req.is_ssl()) and _is_readable(transport)
            if is_readable or protocol.should_close:
                connection.close()
                if is_new:
                    raise UnrequestedDataError
                continue
            if not isinstance(guard, _Guard):
                guard = _Guard(protocol, transport)
                transport.set_protocol(guard)
                if isinstance(transport, _ReadBuffered):
                    transport.set_read_buffer_limits(_RECEIVE_BUFFER)
            guard.begin(exchange)
            connection.add_callback(guard.end)
            exchange.phase = Phase.WAITING
            return connection


@runtime_checkable
class _ReadBuffered(Protocol):
    """A TLS transport, which reads up to 256 KiB ahead of its protocol."""

    def set_read_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


class _Guard(asyncio.Protocol):
    """Pass data to aiohttp's protocol while a request is in progress, within the limits for heads."""

    def __init__(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport: asyncio.Transport | None = transport
        self._exchange: Exchange | None = None
        self._delivery: asyncio.Task[None] | None = None

    def begin(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def end(self) -> None:
        self._exchange = None
        if self._delivery is not None:
            self._delivery.cancel()
        asyncio.get_running_loop().call_soon(self._abort_if_closing)

    def _abort_if_closing(self) -> None:
        """Do not wait for a TLS shutdown: a server that hangs would keep the memory for 30 seconds."""
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        exchange, transport = self._exchange, self._transport
        if transport is None:
            return
        if exchange is None:  # nobody requested it
            self._abort_soon()
            return
        exchange.phase = Phase.READING
        if exchange.head_received:
            self._protocol.data_received(data)
        elif exchange.head_too_large:
            self._abort_soon()
        elif exchange.fits(data):
            self._protocol.data_received(data)
        else:
            transport.pause_reading()
            self._delivery = asyncio.create_task(self._deliver(exchange, data))

    def _abort_soon(self) -> None:
        # asyncio's TLS fails if a protocol aborts while a shutdown delivers the last data.
        if self._transport is not None:
            asyncio.get_running_loop().call_soon(self._transport.abort)

    async def _deliver(self, exchange: Exchange, data: bytes) -> None:
        await exchange.reserve()
        if self._transport is not None:
            self._transport.resume_reading()
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._transport = None  # break a reference cycle, which would hold the buffers of TLS

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


def _new_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    created = socket.socket(family, kind, protocol)
    created.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    exchange = _current.get()
    exchange.phase = Phase.CONNECTING
    exchange.sockets.append(created)
    return created


def _is_readable(transport: asyncio.Transport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
