"""Tests of the sockets below a request; requests are tested over real sockets."""

from __future__ import annotations

import socket

from watcher.api.exchange import RECEIVE_BUFFER, CountingSocket


def test_a_read_is_small_and_counted() -> None:
    """One read returns at most the receive buffer: asyncio asks for 256 KiB, which is slow to allocate."""
    receiver = CountingSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
    with socket.create_server(("127.0.0.1", 0)) as server, receiver:
        receiver.connect(server.getsockname())
        sender, _ = server.accept()
        with sender:
            sender.sendall(bytes(RECEIVE_BUFFER + 1))
        read = len(receiver.recv(1 << 18))
        assert 0 < read <= RECEIVE_BUFFER
        while part := receiver.recv(1 << 18):
            read += len(part)
        assert read == receiver.received == RECEIVE_BUFFER + 1
