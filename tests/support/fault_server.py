"""A raw TCP server on loopback that plays scripted faults."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

LOOPBACK = "127.0.0.1"

_DRIBBLE_PAUSE = 0.0005
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Dribble:
    """Send bytes one at a time."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send bytes repeatedly: `times` times, or until the client closes the connection."""

    data: bytes
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Wait until the client closes the connection."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection, as a crashed host or a firewall does."""


Act: TypeAlias = Send | Dribble | Repeat | Wait | Hang | Close | Reset


@dataclass(frozen=True, slots=True)
class Play:
    """The server's reaction to one request.

    Attributes:
        acts: The steps in order. If none closes the connection, the next request may use it.
        unasked: Act when the connection opens, without reading a request.
    """

    acts: tuple[Act, ...]
    unasked: bool = False


@dataclass(slots=True)
class FaultServer:
    """A running server.

    Attributes:
        script: The plays for the requests in order; the last one is repeated.
        base_uri: Its base URI.
        port: Its port.
        requests: The heads of all requests.
        connections: The number of connections.
        played: The number of plays that were started.
    """

    script: Sequence[Play]
    base_uri: str = ""
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    played: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play on one connection until it is closed."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                play = self.script[min(self.played, len(self.script) - 1)]
                if not play.unasked:
                    self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                    # Another connection may have started this play during the read.
                    play = self.script[min(self.played, len(self.script) - 1)]
                self.played += 1
                for act in play.acts:
                    if not await _perform(act, reader, writer):
                        return


async def _perform(act: Act, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Perform one step, and return whether the connection stays open."""
    match act:
        case Send(data):
            await _send(writer, data)
        case Dribble(data):
            await _dribble(writer, data)
        case Repeat(data, times):
            sent = 0
            while times is None or sent < times:
                await _send(writer, data)
                sent += 1
        case Wait(seconds):
            await asyncio.sleep(seconds)
        case Hang():
            await reader.read()
            return False
        case Close():
            return False
        case Reset():
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
            writer.transport.abort()
            return False
        case _:
            assert_never(act)
    return True


async def _dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    for number, byte in enumerate(data):
        await _send(writer, bytes((byte,)))
        if number % 8 == 0:  # a pause after each byte would take too long on a busy machine
            await asyncio.sleep(_DRIBBLE_PAUSE)


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    if writer.is_closing():
        raise ConnectionResetError


@asynccontextmanager
async def playing(
    *script: Play, tls: ssl.SSLContext | None = None, backlog: socket.socket | None = None
) -> AsyncIterator[FaultServer]:
    """Play a script on loopback while the context lasts.

    Args:
        script: The plays for the requests in order; the last one is repeated.
        tls: Serve over TLS.
        backlog: A bound socket to listen on; None takes a free port.

    Yields:
        The server. It is listening.
    """
    played = FaultServer(script)
    bound = backlog if backlog is not None else unlistened()
    async with accepting(played.serve, bound, tls):
        played.port = bound.getsockname()[1]
        played.base_uri = f"{'http' if tls is None else 'https'}://{LOOPBACK}:{played.port}"
        yield played


@asynccontextmanager
async def accepting(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    bound: socket.socket,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Serve connections to a bound socket while the context lasts, and close each one afterwards."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve_and_close(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, sock=bound, ssl=tls)
    try:
        yield
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the loop releases the sockets in its next turn


def unlistened() -> socket.socket:
    """Bind a free port without listening, so that connections to it are refused."""
    bound = socket.socket()
    bound.bind((LOOPBACK, 0))
    return bound
