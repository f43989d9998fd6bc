"""Certificates, TLS servers and a CONNECT proxy for the tests, all on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.fault_server import LOOPBACK, accepting, unlistened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import trustme

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def tls_1_1_only(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's TLS context without TLS 1.2, as LaunchDarkly no longer accepts it."""
    context = server_context(certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the test needs an old version
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return a client's TLS context with a further trusted root."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Accept one connection and try a TLS handshake; unlike asyncio, it sends an alert on failure."""
    connection, _ = listening.accept()
    with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as wrapped:
        with suppress(ssl.SSLError):
            wrapped.do_handshake()
        wrapped.settimeout(0.2)
        with suppress(OSError):
            while socket.socket.recv(wrapped, 1 << 16):  # closing with data unread would reset the connection
                pass


@dataclass(slots=True)
class ConnectProxy:
    """An HTTP proxy that connects every host to one port.

    Attributes:
        target: The port on loopback.
        answer: The response to a CONNECT.
        port: The proxy's own port.
        requests: The heads of all requests.
    """

    target: int
    answer: bytes = ESTABLISHED
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection if the answer is success."""
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
    """Run a proxy while the context lasts.

    Args:
        target: The port on loopback that every host leads to.
        answer: The response to a CONNECT.
        tls: Serve the proxy's clients over TLS.

    Yields:
        The proxy. It is listening.
    """
    bound = unlistened()
    proxy = ConnectProxy(target, answer, port=bound.getsockname()[1])
    async with accepting(proxy.serve, bound, tls):
        yield proxy
