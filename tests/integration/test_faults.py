"""The fault table through the real client and the real loop, over real sockets."""

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
    """Chooses a request timeout that is short only where nothing else ends the request."""
    return SHORT_TIMEOUT if fault.times_out else LONG_TIMEOUT


def kind_of(reply: Reply) -> Expected:
    """Names a reply as the table does."""
    return reply.kind if isinstance(reply, Fault) else type(reply)


async def ask_twice(fault: FaultCase) -> tuple[Reply, Reply]:
    """Asks once while the fault lasts, and once after it."""
    async with playing(fault.play) as server, client_of(server.base_uri) as client:
        reply = await ask(client, timeout_for(fault))
        server.script = [COMPLETE]
        later = await ask(client, timeout_for(fault))
        for _ in range(20 if fault.times_out else 0):
            if isinstance(later, Fault):  # a good answer may be late for the short timeout, too
                later = await ask(client, timeout_for(fault))
        return reply, later


async def meet_in_passing(fault: FaultCase) -> Seen:
    """Watches an import that is seen, then hidden by the fault for a while, then complete."""
    # A drop is met twice, for the HTTP library quietly repeats a request; a verdict stands if repeated.
    faults = [fault.play] * (2 if isinstance(fault.expected, FaultKind) else 1)
    script = (IN_PROGRESS, *faults, COMPLETE)
    return await watch(*script, policy=quick(), request_timeout=timeout_for(fault))


async def meet_for_ever(fault: FaultCase) -> Seen:
    """Watches an import that nothing but the fault is ever seen of."""
    policy = quick(outage_budget=0.05, timeout=0.1 if fault.expected is Found else 60.0)
    return await watch(fault.play, policy=policy, request_timeout=timeout_for(fault))


@pytest.fixture(scope="module")
def replies() -> Results[tuple[Reply, Reply]]:
    """What single requests bring."""
    return play_all(ALL_FAULTS, ask_twice)


@pytest.fixture(scope="module")
def passing() -> Results[Seen]:
    """How watches end that meet each fault in passing."""
    return play_all(ALL_FAULTS, meet_in_passing)


@pytest.fixture(scope="module")
def lasting() -> Results[Seen]:
    """How watches end that meet each fault for ever."""
    return play_all(ALL_FAULTS, meet_for_ever)


def test_the_names_are_unique() -> None:
    """A line that has another one's name would not be tested."""
    assert len({fault.name for fault in ALL_FAULTS}) == len(ALL_FAULTS)


@each_fault
def test_one_request(fault: FaultCase, replies: Results[tuple[Reply, Reply]]) -> None:
    """A fault comes back as the kind that the table says, in printable words, and harms no later request."""
    reply, later = result_of(fault, replies)
    assert kind_of(reply) == fault.expected
    if isinstance(reply, Fault):
        assert reply.detail == printable(reply.detail, limit=1000)
    assert TOKEN not in repr(reply)
    assert isinstance(later, Found), later
    assert later.found.status is ImportStatus.COMPLETE


@each_fault
def test_the_good_answer_wins(fault: FaultCase, passing: Results[Seen]) -> None:
    """Once the import has been seen, no fault that passes hides the final status."""
    came = result_of(fault, passing)
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_fault
def test_the_fault_that_lasts(fault: FaultCase, lasting: Results[Seen]) -> None:
    """A fault that lasts ends the wait in the way of its kind, once the budget is spent."""
    came = result_of(fault, lasting)
    assert came.outcome is fault.lasting_outcome, came.end.message
    assert TOKEN not in came.end.message
    assert came.end.message == printable(came.end.message, limit=9999)


def test_refused_connection() -> None:
    """A port on which nobody listens is a network fault; the watch goes on when somebody does."""

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
    """Tells what the contract makes of an HTTP status."""
    special: dict[int, Expected] = {401: Denied, 403: Denied, 404: Missing, 410: Missing}
    special |= {408: SERVER, 425: SERVER, 429: Throttled}
    classes: dict[int, Expected] = {2: NONSENSE, 3: Redirected, 4: Refused, 5: SERVER}
    return special.get(status, classes[status // 100])


@pytest.mark.parametrize("body", [b"", import_body(), PAGE, b"[" * 100_000, b"\xff"], ids=repr)
def test_every_status(body: bytes) -> None:
    """Every status but 200 is told by its number alone, whatever the body."""
    for status in range(201, 600):
        assert kind_of(decode(REF, Answer(status, {}, body))) == by_status(status), status


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect ends the wait with 6 at once, and the host that it names is never asked."""

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
    """A request has the token once, asks for plain JSON, and repeats no cookie."""
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
