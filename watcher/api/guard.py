"""The guard of a connection: it accepts data only during a request, and limits the head of the response."""

from __future__ import annotations

import asyncio
import re
import select

from aiohttp.client_proto import ResponseHandler

from watcher.api.exchange import CountingSocket, Exchange
from watcher.core.messages.faults import Phase

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r\n)")
_NO_BODY = re.compile(rb"http/1\.\d (?:1\d\d|204|304)")
_ENDS = (_END_OF_HEAD, b"\n\n")
"""What a head, and chunks with their trailer fields, end with (RFC 9112, sections 2.1 and 7.1)."""

_END_SIZE = 4
"""Bytes of the longest of them."""


class Guard(asyncio.Protocol):
    """Pass data to aiohttp's protocol during a request, within the limits for heads.

    Args:
        protocol: aiohttp's protocol.
        transport: The connection.
        source: The socket below it; None if the event loop uses sockets of its own.
        phase: The phase in which data arrives.
    """

    def __init__(
        self,
        protocol: ResponseHandler,
        transport: asyncio.Transport,
        source: CountingSocket | None,
        phase: Phase = Phase.READING,
    ) -> None:
        self._phase = phase
        self._protocol = protocol
        self._transport: asyncio.Transport | None = transport
        self._source = source
        self._received = 0 if source is None else source.received
        self._exchange: Exchange | None = None
        self._delivery: asyncio.Task[None] | None = None
        self._is_spent = False
        self._left: int | None = None
        self._last = b""  # of a response whose size is not known

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived since the last response, not even a part of a TLS record."""
        if self._is_spent or (self._source is not None and self._source.received != self._received):
            return False
        return self._transport is not None and not self._transport.is_closing() and not self._is_readable()

    async def settle(self) -> bool:
        """Read the TLS messages that open a connection, such as session tickets or an alert.

        Returns:
            Whether nothing else arrived.
        """
        while self._is_unsettled():
            self._abort_if_closing()
            await asyncio.sleep(0)
        if self._source is not None:
            self._received = self._source.received
        return not self._is_spent

    def begin(self, exchange: Exchange) -> None:
        """Accept the response to a request."""
        self._exchange = exchange
        self._left = None
        self._last = b""

    def end(self) -> None:
        """Stop accepting data, and close the connection after a large response, or after one with more data.

        aiohttp's parser keeps the head of the last response for as long as the connection lasts, and drops
        the beginning of another one.
        """
        is_large = self._exchange is not None and self._exchange.slot is not None
        if is_large or (self._last and not self._last.endswith(_ENDS)):
            self._is_spent = True
            self._abort_soon()
        if self._exchange is not None:
            self._exchange.failure = self._protocol.exception()
        self._exchange = None
        if self._source is not None:
            self._received = self._source.received
        if self._delivery is not None:
            self._delivery.cancel()
        asyncio.get_running_loop().call_soon(self._abort_if_closing)

    def _is_unsettled(self) -> bool:
        if self._transport is None or self._is_spent:
            return False
        return self._transport.is_closing() or self._is_readable()

    def _is_readable(self) -> bool:
        connected = None if self._transport is None else self._transport.get_extra_info("socket")
        if connected is None:  # it was closed
            return False
        poll = select.poll()
        poll.register(connected.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _abort_if_closing(self) -> None:
        """Do not wait for a TLS shutdown: a server that hangs would keep the memory for 30 seconds."""
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass on the data of a response; after any other data, close the connection."""
        exchange, transport = self._exchange, self._transport
        if transport is None:
            return
        if exchange is None:
            self._is_spent = True
            self._abort_soon()
            return
        exchange.phase = self._phase
        data = self._within_response(exchange, data)
        if exchange.fields_too_large:
            self._abort_soon()
        elif exchange.fits(data):
            self._parse(exchange, data)
        else:
            transport.pause_reading()
            self._delivery = asyncio.create_task(self._deliver(exchange, data))

    def _within_response(self, exchange: Exchange, data: bytes) -> bytes:
        """Return data up to the end of the response; aiohttp would reject the response with the rest."""
        if exchange.head_size == 0:
            self._left = _size_of_response(data)
        if self._left is None:
            self._last = (self._last + data)[-_END_SIZE:]
            return data
        if len(data) > self._left:
            self._is_spent = True
            data = data[: self._left]
        self._left -= len(data)
        return data

    def _abort_soon(self) -> None:
        # asyncio's TLS fails if a protocol aborts while a shutdown delivers the last data.
        if self._transport is not None:
            asyncio.get_running_loop().call_soon(self._transport.abort)

    async def _deliver(self, exchange: Exchange, data: bytes) -> None:
        await exchange.reserve()
        if self._transport is not None:
            self._transport.resume_reading()
            self._parse(exchange, data)

    def _parse(self, exchange: Exchange, data: bytes) -> None:
        """Pass data on, the head by itself: aiohttp would lose it if the same data had malformed chunks."""
        if exchange.body is None and self._left is None:
            end = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            if len(_END_OF_HEAD) <= end < len(data):
                self._protocol.data_received(data[:end])
                data = data[end:]
        self._protocol.data_received(data)
        if self._protocol.exception() is not None:
            exchange.reject_body()

    def eof_received(self) -> None:
        """Pass on the end of the data."""
        self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on the end of the connection."""
        self._protocol.connection_lost(exc)
        self._transport = None  # break a reference cycle, which would hold the buffers of TLS

    def pause_writing(self) -> None:
        """Pass on that the write buffer is full."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the write buffer has space again."""
        self._protocol.resume_writing()


def _size_of_response(data: bytes) -> int | None:
    """Return the size of a response from its first data; None if unknown (RFC 9112, section 6.3)."""
    end = data.find(_END_OF_HEAD)
    head = data[: end + 2].lower()
    lengths = _LENGTH.findall(head)
    if end < 0 or len(lengths) != 1 or b"\r\ntransfer-encoding:" in head or _NO_BODY.match(head):
        return None
    return end + len(_END_OF_HEAD) + int(lengths[0])
