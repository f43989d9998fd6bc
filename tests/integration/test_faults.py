"""Tests of the fault table with the real client and the real loop, over real sockets."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.support.fault_bodies import ALL_FAULTS
from tests.support.fault_server import Play, Send, playing, unlistened
from tests.support.fault_watch import (
    LONG_TIMEOUT,
    SHORT_TIMEOUT,
    Results,
    Seen,
    ask,
    client_of,
    play_all,
    quick,
    result_of,
    watch,
)
from tests.support.faults import (
    COMPLETE,
    HTML,
    IN_PROGRESS,
    NETWORK,
    NONSENSE,
    PAGE,
    REF,
    SERVER,
    Expected,
    FaultCase,
    answer,
    import_body,
)
from tests.support.processes import TOKEN
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import (
    Answer,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Redirected,
    Refused,
    Reply,
    Throttled,
)
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.text import printable

each_fault = pytest.mark.parametrize("fault", ALL_FAULTS, ids=lambda fault: fault.name)


def timeout_for(fault: FaultCase) -> float:
    """Return a request timeout that is short only if nothing else ends the request."""
    return SHORT_TIMEOUT if fault.times_out else LONG_TIMEOUT


def kind_of(reply: Reply) -> Expected:
    """Return the kind of a reply as the table names it."""
    return reply.kind if isinstance(reply, Fault) else type(reply)


async def ask_twice(fault: FaultCase) -> tuple[Reply, Reply]:
    """Send one request during the fault and one after it."""
    async with playing(fault.play) as server, client_of(server.base_uri) as client:
        reply = await ask(client, timeout_for(fault))
        server.script = [COMPLETE]
        later = await ask(client, timeout_for(fault))
        for _ in range(20 if fault.times_out else 0):
            if isinstance(later, Fault):  # a valid response may miss the short timeout too
                later = await ask(client, timeout_for(fault))
        return reply, later


async def watch_with_temporary_fault(fault: FaultCase) -> Seen:
    """Watch an import that is in progress, then hidden by the fault, then complete."""
    # Network faults are played twice, because aiohttp silently repeats a request once.
    faults = [fault.play] * (2 if isinstance(fault.expected, FaultKind) else 1)
    script = (IN_PROGRESS, *faults, COMPLETE)
    return await watch(*script, policy=quick(), request_timeout=timeout_for(fault))


async def watch_with_permanent_fault(fault: FaultCase) -> Seen:
    """Watch an import that is always hidden by the fault."""
    policy = quick(outage_budget=0.05, timeout=0.1 if fault.expected is Found else 60.0)
    return await watch(fault.play, policy=policy, request_timeout=timeout_for(fault))


@pytest.fixture(scope="module")
def replies() -> Results[tuple[Reply, Reply]]:
    """Return the replies to single requests."""
    return play_all(ALL_FAULTS, ask_twice)


@pytest.fixture(scope="module")
def temporary() -> Results[Seen]:
    """Return the watches with a temporary fault."""
    return play_all(ALL_FAULTS, watch_with_temporary_fault)


@pytest.fixture(scope="module")
def permanent() -> Results[Seen]:
    """Return the watches with a permanent fault."""
    return play_all(ALL_FAULTS, watch_with_permanent_fault)


def test_the_names_are_unique() -> None:
    """Of two lines with the same name, one would not be tested."""
    assert len({fault.name for fault in ALL_FAULTS}) == len(ALL_FAULTS)


@each_fault
def test_one_request(fault: FaultCase, replies: Results[tuple[Reply, Reply]]) -> None:
    """A fault has the kind in the table and a printable message, and affects no later request."""
    reply, later = result_of(fault, replies)
    assert kind_of(reply) == fault.expected
    if isinstance(reply, Fault):
        assert reply.detail == printable(reply.detail, limit=1000)
    assert TOKEN not in repr(reply)
    assert isinstance(later, Found), later
    assert later.found.status is ImportStatus.COMPLETE


@each_fault
def test_a_temporary_fault(fault: FaultCase, temporary: Results[Seen]) -> None:
    """After a temporary fault the final status is found."""
    came = result_of(fault, temporary)
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_fault
def test_a_permanent_fault(fault: FaultCase, permanent: Results[Seen]) -> None:
    """A permanent fault ends the wait with the outcome of its kind when the budget is exhausted."""
    came = result_of(fault, permanent)
    assert came.outcome is fault.lasting_outcome, came.end.message
    assert TOKEN not in came.end.message
    assert came.end.message == printable(came.end.message, limit=9999)


def test_a_refused_connection() -> None:
    """A refused connection is a network fault; requests succeed as soon as a server listens."""

    async def run() -> tuple[Reply, Reply]:
        bound = unlistened()
        async with client_of(f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
            refused = await ask(client)
            async with playing(COMPLETE, backlog=bound):
                return refused, await ask(client)

    refused, later = asyncio.run(run())
    assert isinstance(refused, Fault)
    assert refused.kind is NETWORK
    assert re.fullmatch(r"no connection to 127\.0\.0\.1:\d+: connection refused", refused.detail)
    assert isinstance(later, Found)


def by_status(status: int) -> Expected:
    """Return the kind of reply for an HTTP status."""
    special: dict[int, Expected] = {401: Denied, 403: Denied, 404: Missing, 410: Missing}
    special |= {408: SERVER, 425: SERVER, 429: Throttled}
    classes: dict[int, Expected] = {2: NONSENSE, 3: Redirected, 4: Refused, 5: SERVER}
    return special.get(status, classes[status // 100])


@pytest.mark.parametrize("body", [b"", import_body(), PAGE, b"[" * 100_000, b"\xff"], ids=repr)
def test_every_status(body: bytes) -> None:
    """The kind of reply depends on the status alone unless it is 200."""
    for status in range(201, 600):
        assert kind_of(decode(REF, Answer(status, {}, body))) == by_status(status), status


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect ends the wait with 6 immediately and is never followed."""

    async def run() -> tuple[Outcome, list[bytes], int]:
        async with playing(COMPLETE) as elsewhere:
            location = f"Location: {elsewhere.base_uri}{REF.path}"
            refresh = f"Refresh: 0; url={elsewhere.base_uri}"
            redirect = Play((Send(answer(PAGE, HTML, location, refresh, status=f"{status} Moved")),))
            came = await watch(redirect, policy=quick())
            assert len(came.requests) == 1
            return came.outcome, elsewhere.requests, elsewhere.connections

    assert asyncio.run(run()) == (Outcome.PROTOCOL, [], 0)


def test_the_request() -> None:
    """A request contains the token once, asks for uncompressed JSON and returns no cookie."""
    cookie = Play((Send(answer(import_body(), "Set-Cookie: session=1; Path=/")),))
    came = asyncio.run(watch(cookie, COMPLETE, policy=quick()))
    assert len(came.requests) == 2
    for request in came.requests:
        first, *lines = request.decode("ascii").split("\r\n")
        fields = [line.partition(": ")[::2] for line in lines if line]
        assert first == f"GET {REF.path} HTTP/1.1"
        assert [value for name, value in fields if name.lower() == "authorization"] == [TOKEN]
        assert dict(fields)["Accept-Encoding"] == "identity"
        assert "cookie" not in {name.lower() for name, _ in fields}
