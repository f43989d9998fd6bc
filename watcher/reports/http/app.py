"""The HTTP endpoints of ``--listen``: an aiohttp application in the event loop of the watch."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from watcher.core.errors import UsageError
from watcher.core.exit_codes import Result
from watcher.core.text import reason_of
from watcher.reports.http.hosts import is_local_host
from watcher.reports.http.metrics import exposition
from watcher.reports.results import ResultBuilder

STUCK_AFTER = 5.0
"""Seconds past the planned wake-up after which the watch counts as stuck; a busy machine is less late."""

MAX_CONNECTIONS = 32
"""Open connections; one more closes the oldest, so that slow clients never keep out a probe."""

CONNECTION_TIMEOUT = 10.0
"""Seconds from connect to the end of the response, the only one of a connection."""

MAX_UNSENT = 16 << 20
"""Bytes of results on their way to clients. For more, the oldest of their connections are closed, so that
slow readers use no more memory than this, or than one result."""

_BATCH = 100
"""Imports that are encoded before the loop continues, so that a large result delays no poll."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Server": "watcher",
    "X-Content-Type-Options": "nosniff",
}

# Errors of clients must not reach standard error, where aiohttp would log them with tracebacks.
_SILENT = logging.getLogger(__name__)
_SILENT.disabled = True


@dataclass(slots=True)
class Endpoints:
    """The data that the endpoints show, and their handlers.

    ``refresh`` pulls the latest progress into ``builder``; ``overdue`` returns the seconds by which the watch
    is past its planned wake-up.
    """

    builder: ResultBuilder
    refresh: Callable[[], None]
    overdue: Callable[[], float]
    result: Result | None = None
    _host: str = ""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve the endpoints in the running loop, and yield their URL; port 0 picks a free one.

        Raises:
            UsageError: The address cannot be used.
        """
        listener = await _listen(host, port)
        self._host = host
        app = web.Application()
        app.on_response_prepare.append(_complete)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/status", self._status)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/{path:.*}", _not_found)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        server = runner.server
        if server is None:
            raise RuntimeError("aiohttp did not create its server")
        loop = asyncio.get_running_loop()
        sockets = await loop.create_server(lambda: _Connection(server), sock=listener)
        try:
            yield f"http://{_authority(*listener.getsockname()[:2])}"
        finally:
            sockets.close()
            for connection in server.connections:
                _abort(connection)
            await runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        overdue = self.overdue()
        if self.result is None and overdue > STUCK_AFTER:
            return _unavailable(f"stuck: the watch is {overdue:.0f} s late")
        return web.Response(text="ok\n")

    async def _readiness(self, _request: web.Request) -> web.Response:
        result, builder = self.result, self.builder
        if result is not None:
            reason = f"ended with {result.code} ({result.outcome})"
            return web.Response(text=f"{reason}\n") if result.code == 0 else _unavailable(reason)
        count = len(builder.progress)
        if count == 0:
            return _unavailable("waiting: the watch has not started")
        waiting = count - len(builder.ends)
        verb = "is" if waiting == 1 else "are"
        imports = "import" if count == 1 else "imports"
        return _unavailable(f"waiting: {waiting} of {count} {imports} {verb} not final")

    async def _status(self, request: web.Request) -> web.Response:
        self._check_host(request)
        async with self._taking_turns():
            body = await _join(self.builder.encode(self.result))
            if isinstance(request.protocol, _Connection):
                request.protocol.make_room(len(body))
        # aiohttp writes a BytesIO in pieces, as fast as the client reads.
        return web.Response(body=io.BytesIO(body), content_type="application/json")

    async def _metrics(self, request: web.Request) -> web.Response:
        self._check_host(request)
        async with self._taking_turns():
            body, content_type = exposition(self.builder, self.result, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    def _check_host(self, request: web.Request) -> None:
        """Refuse a host name that a web page can have bound to this address; probes reveal nothing."""
        for host in request.headers.getall("Host", ()):
            if not is_local_host(host, self._host):
                raise web.HTTPMisdirectedRequest(
                    text="this name may be that of a website. Use an IP address, a name without dots, "
                    "or the host name that --listen names.\n"
                )

    @asynccontextmanager
    async def _taking_turns(self) -> AsyncIterator[None]:
        """Refresh the data; the loop continues between two requests, however many clients there are."""
        async with self._turn:
            if self.result is None:
                self.refresh()
                await asyncio.sleep(0)
            yield


class _Connection(web.RequestHandler):
    """A connection with one timeout for everything; those of aiohttp do not cover slow readers."""

    unsent = 0
    """Size in bytes of the result that is being sent."""

    def __init__(self, server: web.Server) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server, loop=loop, logger=_SILENT, access_log=_SILENT, keepalive_timeout=0, lingering_time=1.0
        )
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._timeout = asyncio.get_running_loop().call_later(CONNECTION_TIMEOUT, _abort, self)
        for oldest in self._server.connections[:-MAX_CONNECTIONS]:
            _abort(oldest)

    def make_room(self, size: int) -> None:
        """Close the oldest connections with results, until there is room for another result."""
        self.unsent = size
        sending = [one for one in self._server.connections if isinstance(one, _Connection) and one.unsent]
        total = sum(one.unsent for one in sending)
        for oldest in sending:
            if total > MAX_UNSENT and oldest is not self:
                total -= oldest.unsent
                oldest.unsent = 0
                _abort(oldest)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._timeout.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Respond to a malformed request, which does not reach the application."""
        response = super().handle_error(request, status, exc, message)
        response.headers.update(_HEADERS)
        return response


async def _complete(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.force_close()


def _abort(connection: web.RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()


async def _join(pieces: Iterable[bytes]) -> bytes:
    """Return the pieces as one line; the encoding of a large fleet pauses so that polls are not delayed."""
    line = bytearray()
    for number, piece in enumerate(pieces, 1):
        line += piece
        if number % _BATCH == 0:
            await asyncio.sleep(0)
    line += b"\n"
    return bytes(line)


async def _not_found(_request: web.Request) -> web.Response:
    return web.Response(status=404, text="not found: there are /healthz, /readyz, /status and /metrics\n")


def _unavailable(reason: str) -> web.Response:
    return web.Response(status=503, text=f"{reason}\n")


async def _listen(host: str, port: int) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # For a name with addresses of both kinds, such as localhost, clients expect IPv4.
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, dualstack_ipv6=dual)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"cannot listen on {_authority(host, port)}: {_reason(error)}. Use another port (0 picks one) "
            "or an address of this machine."
        ) from None


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "it is not a valid host name"
    if isinstance(error, socket.gaierror) or error.errno is None:
        return reason_of(error)
    return os.strerror(error.errno).lower()  # the text of the error repeats the address
