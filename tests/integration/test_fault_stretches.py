"""Tests of several requests: kept connections, the outage budget and the last poll."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.support.fault_server import Close, Hang, Play, Send, Wait
from tests.support.fault_watch import quick, watch
from tests.support.faults import COMPLETE, GOOD, HTML, IN_PROGRESS, PAGE, answer, import_body
from watcher.core.statuses import Outcome

CLOSES = Play((Send(GOOD), Close()))
ANNOUNCES_CLOSE = Play((Send(answer(import_body(), "Connection: close")), Close()))
SENDS_408 = Play((Send(GOOD), Wait(0.01), Send(answer(b"", status="408 Request Timeout")), Close()))
DROPS_THE_NEXT = (IN_PROGRESS, Play((Close(),)))


@pytest.mark.parametrize(
    "script",
    [(CLOSES,), (ANNOUNCES_CLOSE,), (SENDS_408,), DROPS_THE_NEXT],
    ids=["closes", "announces it", "sends 408", "drops the next request"],
)
def test_a_kept_connection_that_is_closed_between_polls(script: tuple[Play, ...]) -> None:
    """A kept connection that is closed between two polls is not an error."""
    came = asyncio.run(watch(*script, COMPLETE, policy=quick(interval=0.1)))
    assert (came.outcome, came.end.progress.errors) == (Outcome.COMPLETE, 0)


def test_one_connection_is_kept() -> None:
    """Undisturbed polls share one connection."""
    came = asyncio.run(watch(*[IN_PROGRESS] * 5, COMPLETE, policy=quick()))
    assert (came.outcome, len(came.requests), came.connections) == (Outcome.COMPLETE, 6, 1)


# Not closed before the first byte: aiohttp silently repeats such a request once.
CUT = Play((Send(GOOD[:-9]), Close()))
BAD_GATEWAY = Play((Send(answer(PAGE, HTML, status="502 Bad Gateway")),))
LOGIN_PAGE = Play((Send(answer(PAGE, HTML)),))
LAST_FAULTS = {CUT: Outcome.UNAVAILABLE, BAD_GATEWAY: Outcome.UNAVAILABLE, LOGIN_PAGE: Outcome.PROTOCOL}

each_fault = pytest.mark.parametrize("fault", LAST_FAULTS, ids=["cut", "502", "login page"])


@pytest.mark.parametrize(("first", "last"), list(itertools.permutations(LAST_FAULTS, 2)))
def test_the_last_fault_of_an_outage_decides(first: Play, last: Play) -> None:
    """The last fault of a mixed outage decides the outcome, but once the import was seen it is always 75."""
    for seen in ((), (IN_PROGRESS,)):
        script = (*seen, first, first, last)
        came = asyncio.run(watch(*script, policy=quick(outage_budget=0.1)))
        # On a slow machine the budget may be exhausted before the end of the script.
        played = script[: len(came.requests)]
        expected = Outcome.UNAVAILABLE if seen else LAST_FAULTS[played[-1]]
        assert came.outcome is expected, came.end.message


def test_the_outage_budget_applies_to_one_outage() -> None:
    """The outage budget starts again after a valid response: two outages together may exceed it."""
    outage = [Play((Hang(),))] * 3
    came = asyncio.run(
        watch(
            IN_PROGRESS,
            *outage,
            IN_PROGRESS,
            *outage,
            COMPLETE,
            policy=quick(outage_budget=2.0),
            request_timeout=0.4,
        )
    )
    assert (came.outcome, came.end.progress.errors) == (Outcome.COMPLETE, 6)
    assert came.elapsed > 2


@each_fault
def test_a_fault_just_before_the_deadline(fault: Play) -> None:
    """After a fault just before the deadline, a last poll finds the final status."""
    policy = quick(timeout=4.0, interval=2.0)
    came = asyncio.run(watch(IN_PROGRESS, fault, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_fault
def test_a_fault_just_before_the_budget_is_exhausted(fault: Play) -> None:
    """The wait after a fault is limited to the rest of the outage budget, and the last poll decides."""
    policy = quick(outage_budget=0.8, interval=60.0)
    came = asyncio.run(watch(fault, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message
    assert came.elapsed < 10
