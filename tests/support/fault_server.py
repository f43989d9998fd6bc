"""A raw TCP server on loopback that misbehaves to order: what it does for one request is data."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Sequence

LOOPBACK = "127.0.0.1"

_DRIBBLE_PAUSE = 0.0005
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Send:
    """Sends these bytes at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Dribble:
    """Sends these bytes one at a time."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Repeat:
    """Sends these bytes again and again: so many times, or until the client leaves."""

    data: bytes
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Does nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Does nothing until the client leaves."""


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the connection in order."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection off with a reset, as a crashed host or a firewall does."""


Act: TypeAlias = Send | Dribble | Repeat | Wait | Hang | Close | Reset


@dataclass(frozen=True, slots=True)
class Play:
    """What the server does for one request.

    Attributes:
        acts: One after the other; where none of them ends the connection, the next request may use it.
        unasked: Act as soon as a connection comes, without reading the request.
    """

    acts: tuple[Act, ...]
    unasked: bool = False


@dataclass(slots=True)
class FaultServer:
    """A running server.

    Attributes:
        base_uri: Where it is.
        port: Its port.
        requests: The head of every request that was read, whatever connection it came on.
        connections: How many connections came.
        played: How many plays were begun.
    """

    script: Sequence[Play]
    base_uri: str = ""
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    played: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Plays on one connection until it ends."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                play = self.script[min(self.played, len(self.script) - 1)]
                if not play.unasked:
                    self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                    # Another connection may have taken its turn meanwhile.
                    play = self.script[min(self.played, len(self.script) - 1)]
                self.played += 1
                for act in play.acts:
                    if not await _perform(act, reader, writer):
                        return


async def _perform(act: Act, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Does one thing, and tells whether the connection goes on."""
    match act:
        case Send(data):
            await _send(writer, data)
        case Dribble(data):
            for byte in data:
                await _send(writer, bytes((byte,)))
                await asyncio.sleep(_DRIBBLE_PAUSE)
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


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    if writer.is_closing():
        raise ConnectionResetError


@asynccontextmanager
async def playing(
    *script: Play, tls: ssl.SSLContext | None = None, backlog: socket.socket | None = None
) -> AsyncIterator[FaultServer]:
    """Plays a script on a free port for as long as the context lasts.

    Args:
        script: What each request meets in turn; the last is repeated.
        tls: Speak TLS.
        backlog: A bound socket to listen on, in place of a free port.

    Yields:
        The server. It is listening.
    """
    played = FaultServer(script)
    tasks: set[asyncio.Task[None]] = set()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await played.serve(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(attend(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    bound = backlog if backlog is not None else unlistened()
    server = await asyncio.start_server(accept, sock=bound, ssl=tls)
    played.port = bound.getsockname()[1]
    played.base_uri = f"{'http' if tls is None else 'https'}://{LOOPBACK}:{played.port}"
    try:
        yield played
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a closed connection lets its socket go in the next turn of the loop


def unlistened() -> socket.socket:
    """Takes a free port without listening on it, so that connections are refused until somebody does."""
    bound = socket.socket()
    bound.bind((LOOPBACK, 0))
    return bound
