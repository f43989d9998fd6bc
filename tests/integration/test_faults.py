"""The fault table through the real client and the real loop, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
from typing import TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.fault_bodies import ALL_FAULTS
from tests.integration.fault_server import Close, Hang, Play, Send, Wait, playing, unlistened
from tests.integration.fault_watch import (
    LONG_TIMEOUT,
    SHORT_TIMEOUT,
    Watched,
    ask,
    client_of,
    play_all,
    quick,
    result_of,
    watch,
)
from tests.integration.faults import (
    COMPLETE,
    GOOD,
    HTML,
    IN_PROGRESS,
    NETWORK,
    NONSENSE,
    PAGE,
    REF,
    SERVER,
    TOKEN,
    Expected,
    Fault,
    answer,
    import_body,
)
from watcher.core.model import ImportStatus, Outcome
from watcher.core.replies import (
    Answer,
    Broken,
    Denied,
    FaultKind,
    Found,
    Missing,
    Redirected,
    Refused,
    Reply,
    Throttled,
    decode,
)
from watcher.core.text import printable

_Result = TypeVar("_Result")
Results: TypeAlias = dict[str, _Result | BaseException]

each_fault = pytest.mark.parametrize("fault", ALL_FAULTS, ids=lambda fault: fault.name)


def timeout_for(fault: Fault) -> float:
    """Chooses a request timeout that is short only where nothing else ends the request."""
    return SHORT_TIMEOUT if fault.times_out else LONG_TIMEOUT


def kind_of(reply: Reply) -> Expected:
    """Names a reply as the table does."""
    return reply.kind if isinstance(reply, Broken) else type(reply)


async def ask_twice(fault: Fault) -> tuple[Reply, Reply]:
    """Asks once while the fault lasts, and once after it."""
    async with playing(fault.play) as server, client_of(server.base_uri, timeout_for(fault)) as client:
        reply = await ask(client)
        server.script = [COMPLETE]
        return reply, await ask(client)


async def meet_in_passing(fault: Fault) -> Watched:
    """Watches an import that is seen, then hidden by the fault for a while, then complete."""
    # A drop is met twice, for the HTTP library quietly repeats the request once; a verdict stands if repeated.
    faults = [fault.play] * (2 if isinstance(fault.expected, FaultKind) else 1)
    script = (IN_PROGRESS, *faults, COMPLETE)
    return await watch(*script, policy=quick(), request_timeout=timeout_for(fault))


async def meet_for_ever(fault: Fault) -> Watched:
    """Watches an import that nothing but the fault is ever seen of."""
    policy = quick(outage_budget=0.05, timeout=0.1 if fault.expected is Found else 60.0)
    return await watch(fault.play, policy=policy, request_timeout=timeout_for(fault))


@pytest.fixture(scope="module")
def replies() -> Results[tuple[Reply, Reply]]:
    """What single requests bring."""
    return play_all(ALL_FAULTS, ask_twice)


@pytest.fixture(scope="module")
def passing() -> Results[Watched]:
    """How watches end that meet each fault in passing."""
    return play_all(ALL_FAULTS, meet_in_passing)


@pytest.fixture(scope="module")
def lasting() -> Results[Watched]:
    """How watches end that meet each fault for ever."""
    return play_all(ALL_FAULTS, meet_for_ever)


def test_the_names_are_unique() -> None:
    """A line that has another one's name would not be tested."""
    assert len({fault.name for fault in ALL_FAULTS}) == len(ALL_FAULTS)


@each_fault
def test_one_request(fault: Fault, replies: Results[tuple[Reply, Reply]]) -> None:
    """A fault comes back as the kind that the table says, in printable words, and harms no later request."""
    reply, later = result_of(fault, replies)
    assert kind_of(reply) == fault.expected
    if isinstance(reply, Broken):
        assert reply.detail == printable(reply.detail, limit=1000)
    assert TOKEN not in repr(reply)
    assert isinstance(later, Found), later
    assert later.found.status is ImportStatus.COMPLETE


@each_fault
def test_the_good_answer_wins(fault: Fault, passing: Results[Watched]) -> None:
    """Once the import has been seen, no fault that passes hides the final status."""
    came = result_of(fault, passing)
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_fault
def test_the_fault_that_lasts(fault: Fault, lasting: Results[Watched]) -> None:
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
    assert refused == Broken(NETWORK, "no connection: connection refused")
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


CLOSES_UNSEEN = Play((Send(GOOD), Close()))
SAYS_IT_CLOSES = Play((Send(answer(import_body(), "Connection: close")), Close()))
TIMES_IDLE_OUT = Play((Send(GOOD), Wait(0.01), Send(answer(b"", status="408 Request Timeout")), Close()))
DROPS_THE_NEXT = (IN_PROGRESS, Play((Close(),)))


@pytest.mark.parametrize(
    "script",
    [(CLOSES_UNSEEN,), (SAYS_IT_CLOSES,), (TIMES_IDLE_OUT,), DROPS_THE_NEXT],
    ids=["closes", "says so", "says 408", "drops the next request"],
)
def test_kept_connection_closed_between_polls(script: tuple[Play, ...]) -> None:
    """A server that closes a kept connection between two polls makes no error."""
    came = asyncio.run(watch(*script, COMPLETE, policy=quick(interval=0.1)))
    assert (came.outcome, came.end.progress.errors) == (Outcome.COMPLETE, 0)


def test_one_connection_is_kept() -> None:
    """Polls that nothing disturbs share one connection."""
    came = asyncio.run(watch(*[IN_PROGRESS] * 5, COMPLETE, policy=quick()))
    assert (came.outcome, len(came.requests), came.connections) == (Outcome.COMPLETE, 6, 1)


# A connection that is closed before the first byte would not do: the HTTP library repeats such a request once.
CUT = Play((Send(GOOD[:-9]), Close()))
BAD_GATEWAY = Play((Send(answer(PAGE, HTML, status="502 Bad Gateway")),))
LOGIN_PAGE = Play((Send(answer(PAGE, HTML)),))
LAST_FAULTS = {CUT: Outcome.UNAVAILABLE, BAD_GATEWAY: Outcome.UNAVAILABLE, LOGIN_PAGE: Outcome.PROTOCOL}

each_trouble = pytest.mark.parametrize("trouble", LAST_FAULTS, ids=["cut", "502", "login page"])


@pytest.mark.parametrize(("first", "last"), list(itertools.permutations(LAST_FAULTS, 2)))
def test_an_outage_is_judged_by_its_last_fault(first: Play, last: Play) -> None:
    """An outage that mixes kinds ends in the way of its last fault, seen before or not."""
    for seen in ((), (IN_PROGRESS,)):
        came = asyncio.run(watch(*seen, first, first, last, policy=quick(outage_budget=0.1)))
        assert came.outcome is LAST_FAULTS[last], came.end.message


def test_the_budget_is_for_one_stretch() -> None:
    """The outage budget starts anew after a good answer: two stretches may be longer than it together."""
    stretch = [Play((Hang(),))] * 3
    came = asyncio.run(
        watch(
            IN_PROGRESS,
            *stretch,
            IN_PROGRESS,
            *stretch,
            COMPLETE,
            policy=quick(outage_budget=1.15),
            request_timeout=SHORT_TIMEOUT,
        )
    )
    assert (came.outcome, came.end.progress.errors) == (Outcome.COMPLETE, 6)
    assert came.elapsed > 1.15


@each_trouble
def test_a_fault_just_before_the_deadline(trouble: Play) -> None:
    """A fault just before the deadline is followed by a last look, which finds the final status."""
    policy = quick(timeout=0.3, interval=0.2)
    came = asyncio.run(watch(IN_PROGRESS, trouble, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_trouble
def test_a_fault_just_before_the_budget_is_spent(trouble: Play) -> None:
    """The wait after a fault is cut to what is left of the budget, and the last look decides."""
    policy = quick(outage_budget=0.2, interval=60.0)
    came = asyncio.run(watch(trouble, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message
    assert came.elapsed < 10


WORDS = st.sampled_from(
    [
        b"HTTP/1.1 ",
        b"200",
        b" OK",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"100",
        b"101",
        b"304",
        b"204",
        b":",
        b" ",
        b"\0",
    ]
    + [
        b"Content-Length: ",
        b"5",
        b"-1",
        b"99999999999999999999",
        b"Transfer-Encoding: chunked\r\n",
        b"0\r\n\r\n",
    ]
    + [
        b"Content-Encoding: gzip\r\n",
        b"\x1f\x8b",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"zz\r\n",
    ]
    + [b"Set-Cookie: ", b"Retry-After: ", b"{", b'"status":', b'"complete"', b"}", b"\xff", b"a" * 9000, GOOD]
)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(st.lists(WORDS | st.binary(max_size=20), max_size=12).map(b"".join), max_size=3))
def test_any_bytes(pieces: list[bytes]) -> None:
    """Whatever bytes come as the whole answer, in whatever pieces, one request returns and raises nothing."""
    acts = [act for piece in pieces for act in (Send(piece), Wait(0.001))]

    async def run() -> Reply:
        async with playing(Play((*acts, Close()))) as server, client_of(server.base_uri, 1.0) as client:
            return await ask(client)

    asyncio.run(run())
