"""How long a single poll waits for a hold that all imports share, and what a pause does to deadlines."""

from __future__ import annotations

import pytest

from tests.support.driving import EPOCH, MISSING, NETWORK, SERVER, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import Reply
from watcher.core.model import Instant
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome

BUDGET = 30.0


def at(monotonic: float) -> Instant:
    """Return a time on both clocks."""
    return Instant(monotonic, EPOCH + monotonic)


@pytest.mark.parametrize(
    ("hold", "is_worth_it"),
    [
        pytest.param(Hold(30.0, 33.0, named=True, in_a_row=1), True, id="a 429, up to the budget"),
        pytest.param(Hold(30.5, 31.0, named=True, in_a_row=1), False, id="a 429, past the budget"),
        pytest.param(Hold(0.0, 30.0, named=False, in_a_row=1), True, id="a backoff up to the budget"),
        pytest.param(Hold(0.0, 30.5, named=False, in_a_row=1), False, id="a backoff past the budget"),
        pytest.param(Hold(50.0, 50.5, named=True), True, id="no 429, up to the budget from now"),
        pytest.param(Hold(50.5, 51.0, named=True), False, id="no 429, past the budget from now"),
    ],
)
def test_a_single_poll_waits_for_a_hold_as_long_as_for_an_outage(hold: Hold, *, is_worth_it: bool) -> None:
    """The budget counts from the start of the run for rate limits, and from now for other holds."""
    driven = Driven(Policy(once=True, outage_budget=BUDGET, appear_within=1000.0))
    assert (driven.waiter.end_if_held(hold, at(20.0)) is None) is is_worth_it
    assert driven.waiter.over is not is_worth_it


@pytest.mark.parametrize("until", [45.0, 46.0])
@pytest.mark.parametrize("in_a_row", [0, 1])
def test_the_budget_of_an_outage_counts_from_its_start(until: float, in_a_row: int) -> None:
    """During an outage a single poll waits for a hold up to the end of the outage budget."""
    driven = Driven(Policy(once=True, outage_budget=BUDGET))
    driven.receive(NETWORK, at=15.0)
    hold = Hold(until, until, named=True, in_a_row=in_a_row)
    assert (driven.waiter.end_if_held(hold, at(20.0)) is None) is (until <= 15.0 + BUDGET)


def test_a_hold_in_its_jitter_ends_no_single_poll() -> None:
    """A named time that has passed prevents nothing, even if no time is left to appear or for an outage."""
    driven = Driven(Policy(once=True, outage_budget=2.0, appear_within=5.0))
    driven.receive(MISSING, at=1.0)
    assert driven.waiter.end_if_held(Hold(10.0, 15.0, named=True, in_a_row=1), at(12.0)) is None


def test_a_longer_watch_waits_for_any_hold_up_to_its_deadline() -> None:
    """Only a single poll has such a limit."""
    driven = Driven(Policy(outage_budget=2.0, timeout=1000.0))
    assert driven.waiter.end_if_held(Hold(900.0, 950.0, named=True, in_a_row=1), at(1.0)) is None


@pytest.mark.parametrize(("now", "deadline"), [(59.0, 60.0), (60.0, 90.0), (75.0, 105.0)])
def test_a_deadline_that_passes_during_a_pause_allows_one_more_poll(now: float, deadline: float) -> None:
    """After a pause, a passed deadline applies after one more poll, which may take as long as an outage."""
    driven = Driven(Policy(timeout=60.0, outage_budget=BUDGET))
    driven.receive(seen("ready"), at=1.0)
    driven.waiter.resume(at(now))
    assert driven.waiter.deadline == deadline


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [(seen("ready"), Outcome.TIMEOUT), (seen("complete"), Outcome.COMPLETE), (SERVER, None)],
)
def test_the_poll_after_a_pause_decides(reply: Reply, outcome: Outcome | None) -> None:
    """After a pause past the deadline, the next usable reply ends the wait, and a fault is retried."""
    driven = Driven(Policy(timeout=60.0, outage_budget=BUDGET))
    driven.receive(seen("ready"), at=1.0)
    driven.waiter.resume(at(75.0))
    driven.receive(reply, at=76.0)
    assert (driven.outcome if driven.waiter.over else None) is outcome
