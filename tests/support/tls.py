"""Certificates, TLS servers and a CONNECT proxy for the tests, all on loopback."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.fault_server import LOOPBACK

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    import trustme

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Makes the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def tls_1_1_only(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Makes the server's side of a TLS that LaunchDarkly has switched off."""
    context = server_context(certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """Makes the client's side, with one more root."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Accepts one connection and tries to agree on TLS; unlike asyncio's server, it says what it refuses."""
    connection, _ = listening.accept()
    with connection, suppress(ssl.SSLError):
        context.wrap_socket(connection, server_side=True).close()


@dataclass(slots=True)
class ConnectProxy:
    """An HTTP proxy that knows one host.

    Attributes:
        target: The port on loopback that every name leads to.
        answer: What it says to a CONNECT.
        port: Where it listens.
        requests: The heads of the requests that it read.
    """

    target: int
    answer: bytes = ESTABLISHED
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Leads one connection through, or answers and closes."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode("ascii"))
            writer.write(self.answer)
            await writer.drain()
            if self.answer == ESTABLISHED:
                origin_reader, origin_writer = await asyncio.open_connection(LOOPBACK, self.target)
                await asyncio.gather(_pipe(reader, origin_writer), _pipe(origin_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def proxying(
    target: int, answer: bytes = ESTABLISHED, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ConnectProxy]:
    """Runs a proxy for as long as the context lasts.

    Args:
        target: The port on loopback that every name leads to.
        answer: What it says to a CONNECT.
        tls: Speak TLS with its clients.

    Yields:
        The proxy. It is listening.
    """
    proxy = ConnectProxy(target, answer)
    tasks: set[asyncio.Task[None]] = set()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await proxy.serve(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(attend(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, LOOPBACK, 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
