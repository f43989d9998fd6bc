"""Connections that accept only responses to requests."""

from __future__ import annotations

import asyncio
import socket
from ssl import SSLContext
from typing import Protocol, runtime_checkable

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from watcher.api.exchange import RECEIVE_BUFFER, CountingSocket, Exchange, current_exchange
from watcher.api.guard import Guard
from watcher.api.loopback import check_loopback
from watcher.core.messages.faults import Phase


class UnrequestedDataError(aiohttp.ClientConnectionError):
    """A new connection received data before its request was sent."""


class Connector(aiohttp.TCPConnector):
    """A connector whose connections accept only responses to requests, over TLS or on loopback.

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
        """Return a connection that has received nothing yet.

        aiohttp repeats a request at once if its connection breaks. This is right only for a kept connection,
        which the server may have closed in the meantime. After a failure of a new one, raise its error again.

        Raises:
            UnrequestedDataError: Data arrived on a new connection.
            NotLoopbackError: A new connection without TLS leads to another machine.
            ServerDisconnectedError: A new connection of this request was lost; or its other error.
        """
        exchange = current_exchange()
        if exchange.sockets:
            raise exchange.failure or aiohttp.ServerDisconnectedError
        try:
            return await self._connect_without_data(req, traces, timeout, exchange)
        except Exception as error:
            exchange.failure = error
            raise

    async def _connect_without_data(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
        exchange: Exchange,
    ) -> Connection:
        while True:
            exchange.phase = Phase.LOOKUP
            connection = await super().connect(req, traces, timeout)
            try:
                guard = await _prepared(connection, req)
            except BaseException:
                _abort(connection)
                raise
            if guard is None:
                _abort(connection)
                continue
            guard.begin(exchange)
            connection.add_callback(guard.end)
            if exchange.token is not None:
                req.headers["Authorization"] = exchange.token.reveal()
            exchange.phase = Phase.WAITING
            return connection

    async def _create_direct_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
        *,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Connect to the API or to the proxy, whose response to CONNECT has the same limits."""
        transport, protocol = await super()._create_direct_connection(
            req, traces, timeout, client_error=client_error
        )
        if client_error is aiohttp.ClientProxyConnectionError:
            guard = Guard(protocol, transport, None, Phase.PROXY)
            guard.begin(current_exchange())
            transport.set_protocol(guard)
        return transport, protocol

    async def _start_tls_connection(
        self,
        underlying_transport: asyncio.Transport,
        req: ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
        client_error: type[Exception] = aiohttp.ClientConnectorError,
    ) -> tuple[asyncio.BaseTransport, ResponseHandler]:
        """Record that the proxy has opened the tunnel."""
        exchange = current_exchange()
        exchange.reset()
        exchange.phase = Phase.TLS
        return await super()._start_tls_connection(underlying_transport, req, timeout, client_error)


@runtime_checkable
class _ReadBuffered(Protocol):
    """A TLS transport, which reads up to 256 KiB ahead of its protocol."""

    def set_read_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


async def _prepared(connection: Connection, request: ClientRequest) -> Guard | None:
    """Return the guard of a connection; None if it was kept and must not be used again."""
    transport, protocol = connection.transport, connection.protocol
    if transport is None or protocol is None:  # it was closed meanwhile
        raise aiohttp.ServerDisconnectedError
    guard = transport.get_protocol()
    if isinstance(guard, Guard):
        return guard if guard.is_quiet and not protocol.should_close else None
    if not request.is_ssl():
        check_loopback(transport)
    guard = Guard(protocol, transport, _socket_of(transport))
    transport.set_protocol(guard)
    if isinstance(transport, _ReadBuffered):
        transport.set_read_buffer_limits(RECEIVE_BUFFER)
    is_quiet = await guard.settle() if request.is_ssl() else guard.is_quiet
    error = protocol.exception()
    if error is not None:  # such as a TLS alert
        raise error
    if protocol.should_close or not is_quiet:
        raise UnrequestedDataError
    return guard


def _abort(connection: Connection) -> None:
    """Close a connection without a TLS shutdown, which would outlast the client."""
    transport = connection.transport
    connection.close()
    if transport is not None:
        transport.abort()


def _new_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    created = CountingSocket(family, kind, protocol)
    created.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    exchange = current_exchange()
    exchange.phase = Phase.CONNECTING
    exchange.sockets.append(created)
    return created


def _socket_of(transport: asyncio.Transport) -> CountingSocket | None:
    number = transport.get_extra_info("socket").fileno()
    return next((created for created in current_exchange().sockets if created.fileno() == number), None)
