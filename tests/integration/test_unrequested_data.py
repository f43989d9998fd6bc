"""Tests of data that nobody requested: on new connections and on kept ones, in plain text and over TLS."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.fault_server import LOOPBACK
from tests.support.fault_watch import ask, silent_libraries
from tests.support.faults import GOOD, REF, answer, import_body
from tests.support.processes import TOKEN
from tests.support.raw_server import RawConnection, raw_server
from tests.support.tls import client_context, server_context
from watcher.api.client import Client
from watcher.api.token import Secret
from watcher.api.token_sources import TokenSource
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import Answer, Fault, FaultKind, Found
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.answers.replies import Reply

FORGED = answer(import_body(status="complete"))
"""A response that nobody requested; the requested ones say `in_progress`."""

CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(import_body()), import_body())
"""The rest of a head without a length, and a body in one chunk."""

SEALED = ["plain", "TLS 1.3", "TLS 1.2"]
_AUTHORITY = trustme.CA()


def context_of(sealed: str) -> ssl.SSLContext | None:
    """Return the TLS context of a server."""
    if sealed == "plain":
        return None
    context = server_context(_AUTHORITY.issue_cert(LOOPBACK))
    if sealed == "TLS 1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_of(base_uri: str) -> Client:
    """Return a client that trusts the tests' authority."""
    return Client(base_uri, TokenSource(Secret(TOKEN)), tls=client_context(_AUTHORITY))


def is_genuine(reply: Reply) -> bool:
    """Return whether a reply is the requested one."""
    return isinstance(reply, Found) and reply.found.status is ImportStatus.IN_PROGRESS


class Turns:
    """The turns of the server's thread and of the client's loop."""

    def __init__(self) -> None:
        self.idle = threading.Event()
        self.sent = threading.Event()
        self.requested = threading.Event()


def poll_twice(
    serve_first: Callable[[RawConnection, Turns], None], sealed: str, *, busy: bool
) -> tuple[Reply, int]:
    """Send a second request after a server did something unasked on the idle connection of the first.

    With `busy`, the loop has read nothing of that when the second request is sent.
    """
    turns = Turns()

    def serve(connection: RawConnection, number: int) -> None:
        connection.shake_hands()
        if number == 0:
            serve_first(connection, turns)
            return
        while connection.read_request():
            connection.send(connection.encrypted(GOOD))

    async def run(base_uri: str) -> Reply:
        async with client_of(base_uri) as client:
            first = await client.get(REF)
            assert isinstance(first, Answer), first
            assert is_genuine(decode(REF, first))
            turns.idle.set()
            if busy:
                assert turns.sent.wait(10)  # the loop reads nothing meanwhile
            else:
                assert await asyncio.to_thread(turns.sent.wait, 10)
                await asyncio.sleep(0.05)
            return await ask(client)

    with raw_server(serve, context_of(sealed)) as server, silent_libraries():
        return asyncio.run(run(server.base_uri)), server.connections


@pytest.mark.parametrize("busy", [True, False], ids=["in the kernel", "read by the loop"])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0], ids=["few bytes", "half", "whole"])
@pytest.mark.parametrize("sealed", SEALED)
def test_data_on_an_idle_connection_is_never_used(sealed: str, share: float, *, busy: bool) -> None:
    """A response of which any part arrived before its request is not its response.

    Over TLS, the part is one of a record, which TLS keeps until the rest arrives.
    """

    def serve(connection: RawConnection, turns: Turns) -> None:
        assert connection.read_request()
        connection.send(connection.encrypted(GOOD))
        assert turns.idle.wait(10)
        forged = connection.encrypted(FORGED)
        cut = max(1, int(len(forged) * share))
        connection.send(forged[:cut])
        turns.sent.set()
        connection.read_request()
        connection.send(forged[cut:])

    reply, connections = poll_twice(serve, sealed, busy=busy)
    assert is_genuine(reply), reply
    assert connections == 2


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0], ids=["half a head", "half", "whole"])
@pytest.mark.parametrize("sealed", SEALED)
def test_data_right_behind_a_response_is_never_used(sealed: str, share: float) -> None:
    """A second response in the same segment as the first is not the response to the next request."""

    def serve(connection: RawConnection, turns: Turns) -> None:
        assert connection.read_request()
        cut = int(len(FORGED) * share)
        connection.send(connection.encrypted(GOOD) + connection.encrypted(FORGED[:cut]))
        turns.sent.set()
        if connection.read_request():
            connection.send(connection.encrypted(FORGED[cut:]))

    reply, connections = poll_twice(serve, sealed, busy=False)
    assert is_genuine(reply), reply
    assert connections == 2


@pytest.mark.parametrize(
    "forged", [b"H", b"HTTP/1.1 200 OK\r\nX: ", b"\r\n\r\nHTTP/1.1", FORGED[:-1], FORGED]
)
@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD,
        GOOD.partition(b"\r\n\r\n")[0].replace(b"Content-Length", b"X") + CHUNKED,
    ],
    ids=["204", "304", "103", "chunked"],
)
def test_data_behind_a_response_of_unknown_size_costs_the_connection(first: bytes, forged: bytes) -> None:
    """However little of another response arrives, the next request uses a new connection."""

    def serve(connection: RawConnection, number: int) -> None:
        while connection.read_request():
            connection.send(first + forged if number == 0 else GOOD)

    async def run(base_uri: str) -> Reply:
        async with client_of(base_uri) as client:
            await ask(client)
            return await ask(client)

    with raw_server(serve) as server, silent_libraries():
        assert is_genuine(asyncio.run(run(server.base_uri)))
        assert server.connections == 2


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_an_honest_connection_with_chunks_is_kept(size: int) -> None:
    """This does not depend on how the network divides the response."""
    response = GOOD.partition(b"\r\n\r\n")[0].replace(b"Content-Length", b"X") + CHUNKED

    def serve(connection: RawConnection, _number: int) -> None:
        while connection.read_request():
            for start in range(0, len(response), size):
                connection.send(response[start : start + size])

    async def run(base_uri: str) -> None:
        async with client_of(base_uri) as client:
            for _ in range(3):
                assert is_genuine(await ask(client))

    with raw_server(serve) as server:
        asyncio.run(run(server.base_uri))
    assert server.connections == 1


@pytest.mark.parametrize("sealed", SEALED)
def test_a_second_response_behind_a_slow_one_is_never_used(sealed: str) -> None:
    """The end of a body and a second response arrive together, after the first head was read."""

    def serve(connection: RawConnection, turns: Turns) -> None:
        assert connection.read_request()
        connection.send(connection.encrypted(GOOD[:-9]))
        threading.Event().wait(0.05)
        connection.send(connection.encrypted(GOOD[-9:] + FORGED))
        turns.sent.set()
        connection.read_request()

    reply, connections = poll_twice(serve, sealed, busy=False)
    assert is_genuine(reply), reply
    assert connections == 2


@pytest.mark.parametrize("sealed", SEALED)
def test_data_on_a_new_connection_is_never_used(sealed: str) -> None:
    """A response that is sent before its request, with the last flight of the handshake, is a fault."""

    def serve(connection: RawConnection, _number: int) -> None:
        rest = connection.shake_hands(send_rest=False)
        connection.send(rest + connection.encrypted(FORGED))
        connection.read_request()
        connection.send(connection.encrypted(GOOD))

    async def run(base_uri: str) -> Reply:
        async with client_of(base_uri) as client:
            return await ask(client)

    with raw_server(serve, context_of(sealed)) as server, silent_libraries():
        reply = asyncio.run(run(server.base_uri))
    if isinstance(reply, Fault):
        assert reply.kind is FaultKind.NETWORK
        assert "before the request" in reply.detail
    else:  # the request was faster
        assert isinstance(reply, Found)


@pytest.mark.parametrize("sealed", SEALED)
def test_an_honest_connection_is_kept(sealed: str) -> None:
    """Session tickets, which TLS 1.3 sends unasked, do not cost the connection."""

    def serve(connection: RawConnection, _number: int) -> None:
        connection.shake_hands()
        while connection.read_request():
            connection.send(connection.encrypted(GOOD))

    async def run(base_uri: str) -> None:
        async with client_of(base_uri) as client:
            for _ in range(5):
                assert is_genuine(await ask(client))

    with raw_server(serve, context_of(sealed)) as server:
        asyncio.run(run(server.base_uri))
    assert server.connections == 1


@pytest.mark.parametrize(
    "junk", [b"\n", b"\r\n\r\n", b"junk", b"\0" * 99, FORGED], ids=lambda junk: junk[:4].hex()
)
@pytest.mark.parametrize("field", ["Connection: close", "Connection: keep-alive"])
@pytest.mark.parametrize("cut", [0, -5], ids=["one segment", "two segments"])
def test_data_behind_a_response_does_not_cost_it(junk: bytes, field: str, cut: int) -> None:
    """A body with a line break too much is read as curl reads it, and its connection is used once."""
    good = answer(import_body(), field)

    def serve(connection: RawConnection, _: int) -> None:
        while connection.read_request():
            if cut < 0:
                connection.send(good[:cut])
                threading.Event().wait(0.05)
            connection.send((good[cut:] if cut < 0 else good) + junk)

    async def run(base_uri: str) -> None:
        async with client_of(base_uri) as client:
            for _ in range(2):
                assert is_genuine(await ask(client))

    with raw_server(serve) as server, silent_libraries():
        asyncio.run(run(server.base_uri))
    assert server.connections == 2
