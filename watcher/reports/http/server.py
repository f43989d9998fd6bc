"""The HTTP server of ``--listen``: a thread of its own, and bounds that no client can pass."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from watcher.core.errors import UsageError
from watcher.reports.http.endpoints import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watcher.api.network import Address
    from watcher.reports.http.endpoints import Answer

    Respond = Callable[[str, str, str], Answer]

MOST_CONNECTIONS: Final = 100
"""Connections at a time; one more ends the oldest, so that slow clients never keep a probe out."""

LONGEST_CONNECTION: Final = 10.0
"""Seconds from connect to the last byte of the answer, which is the only one of a connection."""

_LONGEST_STOP: Final = 0.3
_LARGEST_WRITE: Final = 1 << 16
_HEADERS: Final = {"Cache-Control": "no-store", "Server": "watcher", "X-Content-Type-Options": "nosniff"}

# What a client does must not reach standard error, where aiohttp would write tracebacks of it.
_SILENT: Final = logging.getLogger(__name__)
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


async def open_listener(address: Address) -> socket.socket:
    """Begins to listen, so that nothing can take the port while the watch is set up.

    Args:
        address: Where.

    Returns:
        The socket; connections wait in it until it is served.

    Raises:
        UsageError: It is taken, or is no address of this machine.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # Of a name with both, such as localhost, IPv4 is what a reader takes for granted.
        family, _, _, _, where = min(found, key=lambda one: one[0] != socket.AF_INET)
        dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(where, family=family, backlog=MOST_CONNECTIONS, dualstack_ipv6=dual)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--listen {address.host}:{address.port} cannot be used: {_reason(error)}; give another port (0 "
            "takes any that is free) or an address of this machine such as 127.0.0.1 or 0.0.0.0"
        ) from None


def url_of(listener: socket.socket) -> str:
    """Tells where a socket can be reached.

    Args:
        listener: It listens.

    Returns:
        Such as ``http://127.0.0.1:8080``.
    """
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def serving(listener: socket.socket, respond: Respond) -> Iterator[None]:
    """Serves in another thread for as long as the context lasts, so that no client delays a poll.

    Args:
        listener: Where; it is closed at the end.
        respond: Answers method, path and ``Accept`` field; called in that thread.

    Yields:
        Nothing.
    """
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_serve(listener, respond, ended))

    thread = threading.Thread(target=run, name="endpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # a defect has ended the thread already
            loop.call_soon_threadsafe(ended.set)
        thread.join(_LONGEST_STOP)


async def _serve(listener: socket.socket, respond: Respond, ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # they come from what clients do

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        answer = respond(request.method, request.path, request.headers.get("Accept", ""))
        return await _send(request, answer)

    manager = web.Server(handle)
    room = _Room()
    server = await loop.create_server(lambda: _Connection(manager, loop, room), sock=listener)
    try:
        await ended.wait()
    finally:
        server.close()
        room.clear()


async def _send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_HEADERS)
    response.headers["Content-Type"] = answer.content_type
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(METHODS)
    response.content_length = len(answer.body)
    response.force_close()
    await response.prepare(request)
    if request.method != "HEAD":
        # In pieces that wait for the reader: a large result is not copied for each of many readers.
        for start in range(0, len(answer.body), _LARGEST_WRITE):
            await response.write(answer.body[start : start + _LARGEST_WRITE])
    await response.write_eof()
    return response


class _Room:
    """The open connections, oldest first."""

    def __init__(self) -> None:
        self._open: dict[_Connection, tuple[asyncio.Transport, asyncio.TimerHandle]] = {}

    def enter(self, connection: _Connection, transport: asyncio.Transport) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            self.leave(next(iter(self._open)))
        # A limit on the whole connection: aiohttp's own ones end neither slow readers nor slow bodies.
        timer = asyncio.get_running_loop().call_later(LONGEST_CONNECTION, transport.abort)
        self._open[connection] = (transport, timer)

    def leave(self, connection: _Connection) -> None:
        if connection in self._open:
            transport, timer = self._open.pop(connection)
            timer.cancel()
            transport.abort()

    def clear(self) -> None:
        for connection in list(self._open):
            self.leave(connection)


class _Connection(web.RequestHandler):
    def __init__(self, manager: web.Server, loop: asyncio.AbstractEventLoop, room: _Room) -> None:
        super().__init__(
            manager,
            loop=loop,
            logger=_SILENT,
            access_log=_SILENT,
            keepalive_timeout=LONGEST_CONNECTION,
            lingering_time=1.0,
        )
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._room.enter(self, transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._room.leave(self)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 (aiohttp's signature)
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (the base class's signature)
    ) -> web.StreamResponse:
        name = type(exc).__name__
        text = "this is not HTTP\n" if status < HTTPStatus.INTERNAL_SERVER_ERROR else f"a defect: {name}\n"
        response = web.Response(status=status, text=text, headers=_HEADERS)
        response.force_close()
        return response


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "it is no host name"
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or "the reason is not known"
    return os.strerror(error.errno)  # the error's own words name the address once more
