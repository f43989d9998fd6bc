"""Tests of connections over real sockets: reuse, fresh ones, phases of timeouts, and memory."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.fault_program import run_program
from tests.support.fault_server import Close, Hang, Play, Reset, Send, Wait, playing, unlistened
from tests.support.fault_watch import ask, client_of
from tests.support.faults import COMPLETE, GOOD, IN_PROGRESS, REF, answer, chunked, error, import_body
from tests.support.tls import server_context
from watcher.api.client import Client
from watcher.api.token import Secret
from watcher.api.token_sources import TokenSource
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import Answer, Fault, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.core.answers.replies import Reply


PATIENCE = 60.0
"""Seconds for 100 large responses on a busy machine."""


async def get_twice(*script: Play, pause: float = 0.0, fresh: bool = False) -> tuple[Reply, int]:
    """Send two requests with one client; return the second reply and the number of connections."""
    async with playing(*script) as server, client_of(server.base_uri) as client:
        assert isinstance(await client.get(REF), Answer)
        await asyncio.sleep(pause)
        second = await client.get(REF, fresh=fresh)
        return (second if isinstance(second, Fault) else decode(REF, second)), server.connections


@pytest.mark.parametrize(("fresh", "connections"), [(False, 1), (True, 2)])
def test_a_fresh_request_uses_a_new_connection(*, fresh: bool, connections: int) -> None:
    """Other requests use the connection that is kept."""
    reply, opened = asyncio.run(get_twice(IN_PROGRESS, fresh=fresh))
    assert isinstance(reply, Found)
    assert opened == connections


def test_a_fresh_connection_is_used_once() -> None:
    """The connection of a fresh request is closed after it, and the kept one stays."""

    async def run() -> int:
        async with playing(IN_PROGRESS) as server, client_of(server.base_uri) as client:
            for fresh in (False, True, True, False):
                assert isinstance(await client.get(REF, fresh=fresh), Answer)
            return server.connections

    assert asyncio.run(run()) == 3


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    """A server may close an idle connection at any time."""
    closing = Play((Send(GOOD), Wait(0.05), Close()))
    reply, connections = asyncio.run(get_twice(closing, COMPLETE, pause=0.2))
    assert isinstance(reply, Found)
    assert connections == 2


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        ((Hang(),), r"no response from 127\.0\.0\.1:\d+ within \d+ms"),
        ((Send(GOOD[:40]), Hang()), r"no complete response from 127\.0\.0\.1:\d+ within \d+ms"),
        ((Send(GOOD[:-9]), Hang()), r"no complete response from 127\.0\.0\.1:\d+ within \d+ms"),
        (
            (Close(),),
            r"the connection to 127\.0\.0\.1:\d+ ended before the response: connection closed",
        ),
        (
            (Reset(),),
            r"the connection to 127\.0\.0\.1:\d+ ended before the response: connection reset by peer",
        ),
        (
            (Send(GOOD[:-9]), Wait(0.05), Close()),
            r"the connection to 127\.0\.0\.1:\d+ ended within the response: connection closed",
        ),
    ],
)
def test_a_fault_names_phase_and_host(
    acts: tuple[Hang | Send | Close | Reset | Wait, ...], words: str
) -> None:
    """The message tells a request without a response from an incomplete response."""

    async def run() -> Reply:
        async with playing(Play(acts)) as server, client_of(server.base_uri) as client:
            return await ask(client, 0.5)

    reply = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert re.fullmatch(words, reply.detail), reply.detail


@pytest.mark.parametrize(
    "acts",
    [
        (Close(),),
        (Reset(),),
        (Send(GOOD[:40]), Close()),
        (Send(answer(b"{}", *[f"X-Large: {'a' * 60_000}"] * 5)), Hang()),
    ],
)
def test_a_new_connection_that_breaks_is_not_replaced_at_once(
    acts: tuple[Send | Hang | Close | Reset, ...],
) -> None:
    """The request is not repeated without a pause, and without a trace in the counters."""

    async def run() -> tuple[Reply, int]:
        async with playing(Play(acts), COMPLETE) as server, client_of(server.base_uri) as client:
            return await ask(client, PATIENCE), server.connections

    reply, connections = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert connections == 1


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """Return a port on loopback that accepts no further connection."""
    with unlistened() as listening, socket.socket() as filler, socket.socket() as spare:
        listening.listen(0)
        for client in (filler, spare):
            client.settimeout(0)
            client.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def test_a_connection_that_hangs(full_backlog: int) -> None:
    """A timeout while connecting says so."""

    async def run() -> Reply:
        async with client_of(f"http://127.0.0.1:{full_backlog}") as client:
            return await ask(client, 0.5)

    reply = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert re.fullmatch(r"no connection to 127\.0\.0\.1:\d+ within \d+ms", reply.detail), reply.detail


def test_a_name_lookup_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout of the name lookup says so."""
    hanging = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        hanging.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def run() -> Reply:
        async with Client("https://launchdarkly.test", TokenSource(Secret("api-x"))) as client:
            try:
                return await ask(client, 0.3)
            finally:
                hanging.set()

    reply = asyncio.run(run())
    assert isinstance(reply, Fault)
    assert re.fullmatch(r"no result of the name lookup of launchdarkly\.test within \d+ms", reply.detail)


LARGE = {
    "bodies": (Send(answer(import_body(x="a" * 1_000_000), length=1_048_000)), Hang()),
    "whole heads": (Send(answer(b"{}", *[f"X-Large: {'a' * 60_000}"] * 4)),),
    "many fields": (Send(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 15_000), Hang()),
    "trailers": (Send(chunked(b"0\r\n") + (b"X: " + b"a" * 60_000 + b"\r\n") * 100), Hang()),
}

REFUSED = Play((Send(answer(error("unauthorized"), status="401 Unauthorized")),))


@pytest.mark.parametrize(("kind", "is_tls"), [("bodies", False), *((kind, True) for kind in LARGE)], ids=str)
def test_the_memory_for_100_large_responses(
    kind: str, *, is_tls: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """100 large responses, most of which never end, fit into the memory of a small container."""
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    targets = [f"default/production/big-spenders/import-{number}" for number in range(99)]
    tls = server_context(authority.issue_cert("127.0.0.1")) if is_tls else None

    async def run() -> float:
        async with playing(Play(LARGE[kind]), tls=tls) as server:
            options = ("--request-timeout", "2s", "--outage-budget", "1m", "--ca-file", str(ca_file))
            program = asyncio.create_task(run_program(server.base_uri, *targets, *options))
            while server.connections < 100 and not program.done():  # noqa: ASYNC110 (of another process)
                await asyncio.sleep(0.05)
            server.script = [REFUSED]
            ended = await program
            assert ended.code == 4, ended.err
            assert server.connections >= 100
            return ended.peak

    assert asyncio.run(run()) < 128


def test_the_memory_for_100_large_responses_of_a_proxy() -> None:
    """100 responses to CONNECT fit into that memory, too, however much the proxy sends."""
    targets = [f"default/production/big-spenders/import-{number}" for number in range(99)]
    head = Send(b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 120)

    async def run() -> float:
        async with playing(Play((head, Hang()))) as proxy:
            ended = await run_program(
                "https://launchdarkly.test",
                *targets,
                *("--request-timeout", "2s", "--outage-budget", "1s"),
                variables={"HTTPS_PROXY": proxy.base_uri, "NO_PROXY": ""},
            )
            assert ended.code == 75, ended.err
            assert proxy.connections >= 100
            return ended.peak

    assert asyncio.run(run()) < 128


def test_100_large_responses_all_count() -> None:
    """Large responses that arrive at once wait for each other, and none is lost."""
    large = Play((Send(answer(import_body(x="a" * 900_000), *[f"X-Large: {'a' * 40_000}"] * 5)),))

    async def run() -> list[Reply]:
        async with playing(large) as server, client_of(server.base_uri) as client:
            return await asyncio.gather(*(ask(client, PATIENCE) for _ in range(100)))

    assert all(isinstance(reply, Found) for reply in asyncio.run(run()))
