"""The server of ``--listen`` over real sockets, against clients that mean no good."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from watcher.api.network import Address
from watcher.core.errors import UsageError
from watcher.reports.http import server
from watcher.reports.http.endpoints import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = bytes(64 << 20)


def respond(method: str, path: str, accept: str) -> Answer:
    """Answers as the endpoints do, or with a defect, or with more than any buffer takes."""
    if path == "/defect":
        raise KeyError(path)
    if path == "/large":
        return Answer(HTTPStatus.OK, LARGE)
    status = HTTPStatus.OK if method in {"GET", "HEAD"} else HTTPStatus.METHOD_NOT_ALLOWED
    return Answer(status, f"{method} {path} {accept}\n".encode())


@contextmanager
def served(host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """Serves, and gives the address."""
    listener = asyncio.run(server.open_listener(Address(host, 0)))
    with server.serving(listener, respond):
        name, port = listener.getsockname()[:2]
        yield name, port


def ask(
    address: tuple[str, int], method: str = "GET", path: str = "/healthz", body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """Asks once."""
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request(method, path, body, {"Accept": "text/plain"})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def until_closed(client: socket.socket) -> bytes:
    """Reads until the server closes the connection."""
    client.settimeout(5)
    received = b""
    try:
        while chunk := client.recv(1 << 16):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def test_an_answer() -> None:
    """An answer is not kept by anybody, names no versions, and is its connection's last."""
    with served() as address:
        response, body = ask(address, path="/healthz?verbose=1")
        assert (response.status, body) == (200, b"GET /healthz text/plain\n")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Server"] == "watcher"
        assert response.headers["Connection"] == "close"
        head, nothing = ask(address, "HEAD")
        assert (head.status, head.headers["Content-Length"], nothing) == (200, "25", b"")
        refused, _ = ask(address, "POST", body=bytes(1 << 20))
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: a\r\n" % n for n in range(2000)) + b"\r\n", b"400"),
        (b"GET /defect HTTP/1.1\r\nHost: x\r\n\r\n", b"500"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50, b"200"),
    ],
    ids=["no-http", "tls", "long-header", "many-headers", "defect", "upgrade", "expect", "pipelined"],
)
def test_a_strange_request(sent: bytes, status: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is sent gets at most one answer and is told to nobody; others are served on."""
    with served() as address:
        with socket.create_connection(address) as client:
            client.sendall(sent)
            received = until_closed(client)
        assert received.count(b"HTTP/1.") <= 1
        assert received[:8] in {b"HTTP/1.0", b"HTTP/1.1"}
        assert received[9:12] == status
        assert b"Traceback" not in received
        assert b"aiohttp" not in received
        assert ask(address)[0].status == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["silent", "slow", "deaf", "endless-body"])
def test_a_slow_client_is_cut(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection has a limited time to ask and to read, however little it does to keep busy."""
    monkeypatch.setattr(server, "LONGEST_CONNECTION", 0.5)
    head = b"GET /large HTTP/1.1\r\nHost: x\r\n"
    first = {
        "silent": b"",
        "slow": head,
        "deaf": head + b"\r\n",
        "endless-body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    }[kind]
    drip = {"slow": b"A", "endless-body": b"a"}.get(kind, b"")
    with served() as address, socket.create_connection(address) as client:
        client.sendall(first)
        began = time.monotonic()
        try:
            while drip and time.monotonic() - began < 5:
                client.sendall(drip)
                time.sleep(0.02)
        except ConnectionError:
            pass
        if kind == "deaf":
            time.sleep(1)
        assert len(until_closed(client)) < len(LARGE)
        assert time.monotonic() - began < 3


def test_the_oldest_connection_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that do nothing keep nobody out: one too many ends the oldest."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 5)
    with served() as address, ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        assert ask(address)[0].status == 200
        assert until_closed(idle[0]) == b""
        idle[4].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until_closed(idle[4]).startswith(b"HTTP/1.1 200 ")


def test_the_end_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that are served, or not yet, do not hold up the end; the port is free afterwards."""
    monkeypatch.setattr(server, "_LONGEST_STOP", server.LONGEST_CONNECTION / 2)  # a busy machine takes longer
    with ExitStack() as stack:
        with served() as address:
            clients = [stack.enter_context(socket.create_connection(address)) for _ in range(50)]
            for client in clients[:25]:
                client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert ask(address)[0].status == 200
        assert not any(thread.name == "endpoints" for thread in threading.enumerate())
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize(("host", "asked"), [("::1", "::1"), ("::", "127.0.0.1"), ("localhost", "127.0.0.1")])
def test_where_it_listens(host: str, asked: str) -> None:
    """IPv6 is served, on all addresses together with IPv4; of a name, IPv4 is taken."""
    with served(host) as (_, port):
        assert ask((asked, port))[0].status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "a" * 70 + ".example"])
def test_an_address_that_cannot_be(host: str) -> None:
    """A taken port, another machine's address and what is no name are usage errors."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--listen {host}:{port} cannot be used: .*; give another port"):
            asyncio.run(server.open_listener(Address(host, port)))
