"""A server that controls every byte of its connections, in plain text or TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.fault_server import LOOPBACK, unlistened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT = 10.0


class RawConnection:
    """A connection of the server; with a TLS context, it encrypts data without sending it."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        self._socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = (
            None if context is None else context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        )

    def shake_hands(self, *, send_rest: bool = True) -> bytes:
        """Make the TLS handshake; return the server's last flight of it, which holds the session tickets."""
        if self._tls is None:
            return b""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._outgoing.read())
                self._incoming.write(self._socket.recv(1 << 16))
            else:
                break
        rest = self._outgoing.read()
        if send_rest:
            self._socket.sendall(rest)
        return rest

    def encrypted(self, data: bytes) -> bytes:
        """Return the bytes to send for data: one TLS record of it, or the data itself."""
        if self._tls is None:
            return data
        self._tls.write(data)
        return self._outgoing.read()

    def send(self, data: bytes) -> None:
        """Send bytes as they are, in one segment."""
        self._socket.sendall(data)

    def read_request(self) -> bool:
        """Read the head of a request; return False if the client closed the connection."""
        data = b""
        with suppress(ConnectionError, ssl.SSLError):
            while b"\r\n\r\n" not in data:
                try:
                    received = self._receive()
                except ssl.SSLWantReadError:
                    received = self._socket.recv(1 << 16)
                    self._incoming.write(received)
                else:
                    data += received
                if not received:
                    return False
            return True
        return False

    def _receive(self) -> bytes:
        return self._socket.recv(1 << 16) if self._tls is None else self._tls.read(1 << 16)


@dataclass(slots=True)
class RawServer:
    """A running server: its base URI, and the number of its connections."""

    base_uri: str
    connections: int = 0


@contextmanager
def raw_server(
    serve: Callable[[RawConnection, int], None], context: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """Serve connections on loopback, each in a thread, while the context lasts.

    Args:
        serve: Serves one connection before its TLS handshake; it gets its number, counted from 0.
        context: Serve over TLS.

    Yields:
        The server. It is listening.
    """
    with unlistened() as listening:
        listening.listen()
        scheme = "http" if context is None else "https"
        server = RawServer(f"{scheme}://{LOOPBACK}:{listening.getsockname()[1]}")

        def serve_one(connection: socket.socket, number: int) -> None:
            with connection, suppress(ConnectionError):
                connection.settimeout(_TIMEOUT)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                serve(RawConnection(connection, context), number)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    number, server.connections = server.connections, server.connections + 1
                    threading.Thread(target=serve_one, args=(connection, number), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join(_TIMEOUT)
