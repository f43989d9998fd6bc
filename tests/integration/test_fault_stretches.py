"""What holds over several requests: kept connections, the outage budget, and the last look."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.support.fault_server import Close, Hang, Play, Send, Wait
from tests.support.fault_watch import quick, watch
from tests.support.faults import COMPLETE, GOOD, HTML, IN_PROGRESS, PAGE, answer, import_body
from watcher.core.statuses import Outcome

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


# Closing before the first byte would not do: the HTTP library quietly repeats such a request once.
CUT = Play((Send(GOOD[:-9]), Close()))
BAD_GATEWAY = Play((Send(answer(PAGE, HTML, status="502 Bad Gateway")),))
LOGIN_PAGE = Play((Send(answer(PAGE, HTML)),))
LAST_FAULTS = {CUT: Outcome.UNAVAILABLE, BAD_GATEWAY: Outcome.UNAVAILABLE, LOGIN_PAGE: Outcome.PROTOCOL}

each_trouble = pytest.mark.parametrize("trouble", LAST_FAULTS, ids=["cut", "502", "login page"])


@pytest.mark.parametrize(("first", "last"), list(itertools.permutations(LAST_FAULTS, 2)))
def test_an_outage_is_judged_by_its_last_fault(first: Play, last: Play) -> None:
    """An outage that mixes kinds ends in the way of its last fault, seen before or not."""
    for seen in ((), (IN_PROGRESS,)):
        script = (*seen, first, first, last)
        came = asyncio.run(watch(*script, policy=quick(outage_budget=0.1)))
        # Where the machine is slow, the budget is spent before the script is played to its end.
        played = script[: len(came.requests)]
        assert came.outcome is LAST_FAULTS[played[-1]], came.end.message


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
            policy=quick(outage_budget=2.0),
            request_timeout=0.4,
        )
    )
    assert (came.outcome, came.end.progress.errors) == (Outcome.COMPLETE, 6)
    assert came.elapsed > 2


@each_trouble
def test_a_fault_just_before_the_deadline(trouble: Play) -> None:
    """A fault just before the deadline is followed by a last look, which finds the final status."""
    policy = quick(timeout=1.0, interval=0.7)
    came = asyncio.run(watch(IN_PROGRESS, trouble, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message


@each_trouble
def test_a_fault_just_before_the_budget_is_spent(trouble: Play) -> None:
    """The wait after a fault is cut to what is left of the budget, and the last look decides."""
    policy = quick(outage_budget=0.8, interval=60.0)
    came = asyncio.run(watch(trouble, COMPLETE, policy=policy))
    assert came.outcome is Outcome.COMPLETE, came.end.message
    assert came.elapsed < 10
