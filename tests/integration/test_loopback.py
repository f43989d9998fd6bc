"""Tests of plain http, which is allowed only if the connection really leads to this machine."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from itertools import cycle
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.fault_server import playing
from tests.support.fault_watch import ask, client_of
from tests.support.faults import COMPLETE, REF
from tests.support.processes import TOKEN
from watcher import UsageError, wait
from watcher.api.client import Client
from watcher.api.loopback import check_loopback
from watcher.api.token import Secret
from watcher.api.token_sources import TokenSource
from watcher.core.answers.replies import Fault, FaultKind, Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.answers.replies import Reply

ELSEWHERE = "192.0.2.1"


def resolving(*addresses: str, port: int | None = None) -> Callable[..., list[object]]:
    """Return a resolver for which every name has these addresses."""

    def resolve(_host: object, asked: object, *_: object, **__: object) -> list[object]:
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port or asked))
            for family, address in zip(families, addresses, strict=True)
        ]

    return resolve


def own_address() -> str:
    """Return an address of this machine that is not on loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((ELSEWHERE, 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


@pytest.mark.parametrize("addresses", [(ELSEWHERE,), ("127.0.0.1", ELSEWHERE), ("2001:db8::1",)])
def test_a_localhost_elsewhere_is_a_usage_error(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one address of `localhost` is elsewhere at the start, nothing is sent."""
    monkeypatch.setattr(socket, "getaddrinfo", resolving(*addresses))
    with pytest.raises(UsageError, match=rf"^localhost is {addresses[-1]}, which is not a loopback address"):
        asyncio.run(wait(REF, token=TOKEN, base_uri="http://localhost:8080"))


def test_a_localhost_that_moves_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """If `localhost` leads elsewhere later, the connection is closed before the token is sent."""
    address = own_address()
    received: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()

    async def run() -> Reply:
        server = await asyncio.start_server(receive, address, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            async with Client(f"http://localhost:{port}", TokenSource(Secret(TOKEN))) as client:
                monkeypatch.setattr(socket, "getaddrinfo", resolving(address, port=port))
                reply = await ask(client)
            while not received:  # noqa: ASYNC110 (a list of the test)
                await asyncio.sleep(0.01)
        return reply

    reply = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert reply.kind is FaultKind.NETWORK
    assert f"is {address}, which is not a loopback address" in reply.detail
    assert received == [b""]


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("127.0.0.1", "::1")])
def test_a_localhost_on_loopback_is_used(addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` works where it is this machine."""

    async def run() -> Reply:
        async with playing(COMPLETE) as server:
            monkeypatch.setattr(socket, "getaddrinfo", resolving(*addresses, port=server.port))
            client = Client(f"http://localhost:{server.port}", TokenSource(Secret(TOKEN)))
            async with client:
                return await ask(client)

    assert isinstance(asyncio.run(run()), Found)


def test_a_connection_that_is_closed_at_once() -> None:
    """A transport whose socket was reset before asyncio read its address has no address to check."""
    with pytest.raises(aiohttp.ServerDisconnectedError):
        check_loopback(asyncio.Transport())


def test_a_server_that_resets_at_once() -> None:
    """A reset right after the connection was made is a fault, whenever it comes."""
    stop = threading.Event()
    reset = struct.pack("ii", 1, 0)

    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:

        def serve() -> None:
            for pause in cycle(range(0, 400, 10)):
                with server.accept()[0] as accepted:
                    if stop.is_set():
                        return
                    until = time.perf_counter() + pause / 1e6
                    while time.perf_counter() < until:
                        pass
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

        async def main() -> list[Reply]:
            async with client_of(f"http://127.0.0.1:{server.getsockname()[1]}") as client:
                return [await ask(client) for _ in range(400)]

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            replies = asyncio.run(main())
        finally:
            stop.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()
    assert {type(reply) for reply in replies} == {Fault}


def test_a_lookup_that_fails_at_the_start_is_no_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that fails is a fault of the requests, which are retried."""

    def fail(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    async def run() -> Reply:
        async with Client("http://localhost:9", TokenSource(Secret(TOKEN))) as client:
            return await ask(client)

    reply = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert reply.detail == "name lookup of localhost:9 failed: temporary failure in name resolution"
