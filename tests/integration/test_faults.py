"""Tests of the fault table with the real client and the real loop, over real sockets."""

from __future__ import annotations

import re

import pytest

from tests.support.fault_bodies import ALL_FAULTS
from tests.support.fault_server import Play, Send, playing, unlistened
from tests.support.fault_watch import (
    LONG_TIMEOUT,
    SHORT_TIMEOUT,
    Seen,
    ask,
    client_of,
    quick,
    run,
    watch,
)
from tests.support.faults import (
    COMPLETE,
    HTML,
    IN_PROGRESS,
    NETWORK,
    PAGE,
    REF,
    Expected,
    FaultCase,
    answer,
    error,
    import_body,
)
from tests.support.processes import TOKEN
from watcher.core.answers.replies import (
    Fault,
    FaultKind,
    Found,
    Reply,
)
from watcher.core.events import Retrying
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
    # Network faults are played twice, because aiohttp silently repeats a request on a kept connection.
    faults = [fault.play] * (2 if isinstance(fault.expected, FaultKind) else 1)
    script = (IN_PROGRESS, *faults, COMPLETE)
    return await watch(*script, policy=quick(), request_timeout=timeout_for(fault))


async def watch_with_permanent_fault(fault: FaultCase) -> Seen:
    """Watch an import that is always hidden by the fault."""
    policy = quick(outage_budget=0.05, timeout=0.1 if fault.expected is Found else 60.0)
    return await watch(fault.play, policy=policy, request_timeout=timeout_for(fault))


def test_the_names_are_unique() -> None:
    """Of two lines with the same name, one would not be tested."""
    assert len({fault.name for fault in ALL_FAULTS}) == len(ALL_FAULTS)


@each_fault
def test_one_request(fault: FaultCase) -> None:
    """A fault has the kind in the table and a printable message, and affects no later request."""
    reply, later = run(ask_twice(fault))
    assert kind_of(reply) == fault.expected
    if isinstance(reply, Fault):
        assert reply.detail == printable(reply.detail, limit=1000)
    assert TOKEN not in repr(reply)
    assert isinstance(later, Found), later
    assert later.found.status is ImportStatus.COMPLETE


@each_fault
def test_a_temporary_fault(fault: FaultCase) -> None:
    """After a temporary fault the final status is found."""
    came = run(watch_with_temporary_fault(fault))
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_fault
def test_a_permanent_fault(fault: FaultCase) -> None:
    """A permanent fault ends the wait with the outcome of its kind when the budget is exhausted."""
    came = run(watch_with_permanent_fault(fault))
    assert came.outcome is fault.lasting_outcome, came.end.message
    assert TOKEN not in came.end.message
    assert came.end.message == printable(came.end.message, limit=9999)


def test_a_refused_connection() -> None:
    """A refused connection is a network fault; requests succeed as soon as a server listens."""

    async def main() -> tuple[Reply, Reply]:
        bound = unlistened()
        async with client_of(f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
            refused = await ask(client)
            async with playing(COMPLETE, backlog=bound):
                return refused, await ask(client)

    refused, later = run(main())
    assert isinstance(refused, Fault)
    assert refused.kind is NETWORK
    assert re.fullmatch(r"no connection to 127\.0\.0\.1:\d+: connection refused", refused.detail)
    assert isinstance(later, Found)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is retried and never followed; redirects alone end with 6."""

    async def main() -> tuple[Outcome, str, list[bytes], int]:
        async with playing(COMPLETE) as elsewhere:
            location = f"Location: {elsewhere.base_uri}{REF.path}"
            refresh = f"Refresh: 0; url={elsewhere.base_uri}"
            redirect = Play((Send(answer(PAGE, HTML, location, refresh, status=f"{status} Moved")),))
            came = await watch(redirect, policy=quick(outage_budget=1.0))
            assert len(came.requests) > 1
            return came.outcome, came.end.message, elsewhere.requests, elsewhere.connections

    outcome, message, *elsewhere = run(main())
    assert (outcome, elsewhere) == (Outcome.PROTOCOL, [[], 0])
    assert f"HTTP {status} to http://127.0.0.1:" in message


GATEWAY_SCRIPTS = {
    "a firewall's page at first": (
        Play((Send(answer(PAGE, HTML, "Server: cloudflare", status="403 Forbidden")),)),
    ),
    "two pages of a redeploy": (
        IN_PROGRESS,
        *[Play((Send(answer(PAGE, HTML, "Server: nginx", status="404 Not Found")),))] * 2,
    ),
    "a redirect at first": (Play((Send(answer(b"", "Location: /login", status="302 Found")),)),),
    "a conflict": (Play((Send(answer(b"", status="409 Conflict")),)),),
    "a closed request": (Play((Send(answer(b"", status="499 x")),)),),
    "an error as 200": (Play((Send(answer(b'{"code": "c", "message": "m", "id": "77aa"}')),)),),
}


@pytest.mark.parametrize("script", GATEWAY_SCRIPTS.values(), ids=GATEWAY_SCRIPTS.keys())
def test_a_gateway_does_not_end_a_watch(script: tuple[Play, ...]) -> None:
    """A response that does not come from LaunchDarkly is retried, and quoted once."""
    came = run(watch(*script, COMPLETE, policy=quick()))
    assert came.outcome is Outcome.COMPLETE
    (retried,) = [event for event in came.events if isinstance(event, Retrying) and event.in_a_row == 1]
    quoted = r'HTTP \d+.*page "Sign in".*|HTTP 302 to /login|HTTP 409|HTTP 499|HTTP 200 c "m" \(id 77aa\)'
    assert re.fullmatch(rf"127\.0\.0\.1:\d+ responded with ({quoted})", retried.detail), retried.detail


MISDIRECTED = Play((Send(answer(b"", status="421 Misdirected Request")),))
NOT_FOUND = Play((Send(answer(error("not_found"), status="404 Not Found")),))


@pytest.mark.parametrize(
    ("script", "connections"),
    [((MISDIRECTED, COMPLETE), 2), ((IN_PROGRESS, NOT_FOUND, IN_PROGRESS, COMPLETE), 2)],
    ids=["421", "404"],
)
def test_a_doubtful_response_is_checked_on_a_new_connection(
    script: tuple[Play, ...], connections: int
) -> None:
    """A 421, and an error after the import was seen, are checked on a new connection, which is not kept."""
    came = run(watch(*script, policy=quick()))
    assert (came.outcome, came.connections) == (Outcome.COMPLETE, connections)


def test_the_request() -> None:
    """A request contains the token once, asks for uncompressed JSON and returns no cookie."""
    cookie = Play((Send(answer(import_body(), "Set-Cookie: session=1; Path=/")),))
    came = run(watch(cookie, COMPLETE, policy=quick()))
    assert len(came.requests) == 2
    for request in came.requests:
        first, *lines = request.decode("ascii").split("\r\n")
        fields = [line.partition(": ")[::2] for line in lines if line]
        assert first == f"GET {REF.path} HTTP/1.1"
        assert [value for name, value in fields if name.lower() == "authorization"] == [TOKEN]
        assert dict(fields)["Accept-Encoding"] == "identity"
        assert "cookie" not in {name.lower() for name, _ in fields}
