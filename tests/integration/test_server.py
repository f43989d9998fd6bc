"""Tests of the server of ``--listen`` over real sockets, against hostile clients."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.support.endpoints import ask, served, view_of
from tests.support.results import builder_of, life
from watcher.core.errors import UsageError
from watcher.core.exit_codes import ExitCodes
from watcher.reports.http import app
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.core.exit_codes import Result
    from watcher.reports.http.app import Endpoints

LARGE = bytes(32 << 20)
"""A body that fits no socket buffer."""

PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
STATUS = b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n"


class LargeBuilder(ResultBuilder):
    """A result of many bytes."""

    def encode(self, result: Result | None = None, at: float | None = None) -> Iterator[bytes]:  # noqa: ARG002 (the signature of the base class)
        """Return more than a client reads."""
        yield LARGE


class DefectiveBuilder(ResultBuilder):
    """A result that cannot be encoded."""

    def encode(self, result: Result | None = None, at: float | None = None) -> Iterator[bytes]:  # noqa: ARG002 (the signature of the base class)
        """Fail."""
        raise KeyError("secret")


def view() -> Endpoints:
    """Return the view of a running watch."""
    return view_of(builder_of(life("preparing")))


def large_view() -> Endpoints:
    """Return a view with a large ``/status``."""
    return view_of(LargeBuilder(ExitCodes()))


def until_closed(client: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    client.settimeout(10)
    received = bytearray()
    try:
        while chunk := client.recv(1 << 16):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


def test_a_response() -> None:
    """A response is not cached, names no software version and is the only one of its connection."""
    with served(view()) as address:
        response, body = ask(address, "/healthz?verbose=1")
        assert (response.status, body) == (200, b"ok\n")
        refused, _ = ask(address, method="POST", body=bytes(1 << 20))
        assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD")
        missing, _ = ask(address, "/x")
        for one in (response, refused, missing):
            assert one.headers["Cache-Control"] == "no-store"
            assert one.headers["Server"] == "watcher"
            assert one.headers["X-Content-Type-Options"] == "nosniff"
            assert one.headers["Connection"] == "close"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/status", "/metrics"])
def test_head(path: str) -> None:
    """HEAD has the headers of GET and no body."""
    with served(view()) as address:
        response, body = ask(address, path)
        head, nothing = ask(address, path, "HEAD")
    assert (head.status, nothing) == (response.status, b"")
    assert head.headers["Content-Length"] == str(len(body))
    assert head.headers["Content-Type"] == response.headers["Content-Type"]


# Not one element on each line, so that the whole table fits on a screen.
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: a\r\n" % n for n in range(2000)) + b"\r\n", b"400"),
        (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (STATUS, b"500"),
        (PROBE[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET", b"200"),
        (PROBE[:-2] + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", b"200"),
        (PROBE[:-2] + b"Expect: a-miracle\r\n\r\n", b"417"),
        (PROBE * 50, b"200"),
    ],
    ids=[
        "no-http", "tls", "long-header", "many-headers", "method", "lower-case", "asterisk", "connect",
        "defect", "upgrade", "expect", "expect-nonsense", "pipelined",
    ],
)  # fmt: skip
def test_a_strange_request(sent: bytes, status: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Any request gets at most one final response, nothing is logged, and other clients are served."""
    with served(view_of(DefectiveBuilder(ExitCodes()))) as address:
        with socket.create_connection(address) as client:
            client.sendall(sent)
            received = until_closed(client).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert received.count(b"HTTP/1.") - received.count(b"HTTP/1.1'") <= 1
        assert received[:8] in {b"HTTP/1.0", b"HTTP/1.1"}
        assert received[9:12] == status
        for leak in (b"Traceback", b"aiohttp", b"Python", b"secret"):
            assert leak not in received
        assert ask(address)[0].status == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["silent", "slow", "deaf", "endless-body"])
def test_a_slow_client_is_disconnected(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection has a limited time to send and to read, whatever it does to look busy."""
    monkeypatch.setattr(app, "CONNECTION_TIMEOUT", 0.5)
    head = b"GET /status HTTP/1.1\r\nHost: x\r\n"
    first = {
        "silent": b"",
        "slow": head,
        "deaf": STATUS,
        "endless-body": b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    }[kind]
    drip = {"slow": b"A", "endless-body": b"a"}.get(kind, b"")
    with served(large_view()) as address, socket.create_connection(address) as client:
        client.sendall(first)
        started = time.monotonic()
        try:
            while drip and time.monotonic() - started < 8:
                client.sendall(drip)
                time.sleep(0.02)
        except ConnectionError:
            pass
        if kind == "deaf":
            time.sleep(2)
        assert len(until_closed(client)) < len(LARGE)
        assert time.monotonic() - started < app.CONNECTION_TIMEOUT + 7


def test_a_client_that_disconnects_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A reset in the middle of a response is not logged."""
    with served(large_view()) as address:
        for _ in range(5):
            with socket.create_connection(address) as client:
                client.sendall(STATUS)
                client.recv(100)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert ask(address)[0].status == 200
    assert capfd.readouterr() == ("", "")


def test_the_oldest_connection_is_closed_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections do not keep out a probe."""
    monkeypatch.setattr(app, "MAX_CONNECTIONS", 5)
    with served(view()) as address, ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        assert ask(address)[0].status == 200
        assert until_closed(idle[0]) == b""
        idle[4].sendall(PROBE)
        assert until_closed(idle[4]).startswith(b"HTTP/1.1 200 ")


def test_slow_readers_use_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that is not read is given up for another one; a single large one is served."""
    monkeypatch.setattr(app, "CONNECTION_TIMEOUT", 120.0)
    with served(large_view()) as address, ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address, 60)) for _ in range(3)]
        for client in clients:
            client.sendall(STATUS)
            assert client.recv(9) == b"HTTP/1.1 "
        received = [len(until_closed(client)) for client in clients]
    assert received[0] < len(LARGE)
    assert received[1] < len(LARGE)
    assert received[2] > len(LARGE)


def test_many_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clients connect at once, only the newest stay connected."""
    monkeypatch.setattr(app, "MAX_CONNECTIONS", 5)
    with served(view()) as address, ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(200)]
        for client in clients[:195]:
            assert until_closed(client) == b""
        clients[199].sendall(PROBE)
        assert until_closed(clients[199]).startswith(b"HTTP/1.1 200 ")


def test_closed_connections_use_no_memory() -> None:
    """Nothing of a connection is kept after its response."""
    with served(view()) as address:
        for _ in range(100):
            for path in ("/healthz", "/readyz", "/status", "/metrics"):
                ask(address, path)
        gc.collect()
        kept = sum(isinstance(one, web.RequestHandler | web.Request) for one in gc.get_objects())
    assert kept <= 4


def test_open_connections_do_not_delay_the_shutdown() -> None:
    """Clients that wait or read slowly do not delay the end, and the port is free afterwards."""

    async def scenario() -> float:
        clients: list[asyncio.StreamWriter] = []
        async with large_view().serving("127.0.0.1", 0) as url:
            host, port = url.removeprefix("http://").split(":")
            for number in range(10):
                reader, writer = await asyncio.open_connection(host, int(port))
                clients.append(writer)
                if number % 2:
                    writer.write(STATUS)
                    await reader.readexactly(100)
            started = time.monotonic()
        spent = time.monotonic() - started
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))
        for writer in clients:
            writer.transport.abort()
        return spent

    assert asyncio.run(scenario()) < app.CONNECTION_TIMEOUT / 2  # a busy machine needs more than 0.3 s


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize(("host", "asked"), [("::1", "::1"), ("::", "127.0.0.1"), ("localhost", "127.0.0.1")])
def test_the_addresses_of_a_host(host: str, asked: str) -> None:
    """``::`` includes IPv4, and a name with addresses of both kinds means IPv4."""
    with served(view(), host) as (_, port):
        assert ask((asked, port))[0].status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "::ffff:192.0.2.1", "a" * 70 + ".example"])
def test_an_unusable_address(host: str) -> None:
    """A used port, the address of another machine and an invalid name are usage errors."""

    async def serve(port: int) -> None:
        async with view().serving(host, port):
            raise AssertionError("the address can be used")

    with socket.create_server(("127.0.0.1", 0)) as used:
        with pytest.raises(UsageError) as caught:
            asyncio.run(serve(used.getsockname()[1]))
        shown = f"[{host}]" if ":" in host else host
        message = str(caught.value)
        assert message.startswith(f"cannot listen on {shown}:{used.getsockname()[1]}: ")
        assert ". Use another port (0 picks one) or an address of this machine." in message
