"""Tests of a wait that a later run resumes: when it polls, and when it ends."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.driving import EPOCH, MISSING, REF, SERVER, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Changed, Ended, MetUnknownStatus, Watching
from watcher.core.model import Import, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.wait.saved import SavedWait
from watcher.core.wait.steps import Arrival
from watcher.core.wait.waiter import Waiter

BEGAN = EPOCH
LATER = Instant(7.0, EPOCH + 3600.0)


def resumed(saved: SavedWait | None = None, policy: Policy | None = None, now: Instant = LATER) -> Waiter:
    """Return a waiter of a later run."""
    return Waiter(REF, policy or Policy(), now, Random(0), saved or SavedWait(BEGAN))


def end_of(waiter: Waiter, hold: Hold | None = None) -> Ended | None:
    """Return the end before the first poll, if there is one."""
    step = waiter.end_before_first_poll(hold, LATER)
    if step is None:
        return None
    (ended,) = step.events
    assert isinstance(ended, Ended)
    return ended


def events_after(waiter: Waiter, status: str, now: Instant = LATER) -> list[object]:
    """Return the events after an answer with this status."""
    return list(waiter.receive(seen(status), Arrival(now.monotonic, now)).events)


@pytest.mark.parametrize(
    ("status", "policy", "outcome"),
    [
        ("complete", Policy(), Outcome.COMPLETE),
        ("stopped", Policy(), Outcome.STOPPED),
        ("stopped", Policy(until=ImportStatus.STOPPED), Outcome.REACHED),
        ("stopped", Policy(fail_on=frozenset({ImportStatus.STOPPED})), Outcome.BLOCKED),
        ("complete", Policy(until=ImportStatus.READY), Outcome.COMPLETE),
    ],
)
def test_a_final_import_is_not_polled_again(status: str, policy: Policy, outcome: Outcome) -> None:
    """The saved status decides, by this run's policy."""
    saved = SavedWait(BEGAN, BEGAN + 93.0, Import(parse_status(status)), polls=12)
    ended = end_of(resumed(saved, policy))
    assert ended is not None
    assert (ended.outcome, ended.progress.elapsed, ended.progress.polls) == (outcome, 93.0, 12)


@pytest.mark.parametrize("status", ["preparing", "ready", "in_progress", "validating"])
def test_any_other_import_is_polled(status: str) -> None:
    """An import whose status is unknown or can change is polled, even if it reached the goal before."""
    saved = SavedWait(BEGAN, BEGAN, Import(parse_status(status)))
    assert end_of(resumed(saved, Policy(until=ImportStatus.READY))) is None


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(
    "policy", [{"timeout": 60.0}, {"max_in_state": {ImportStatus.READY: 60.0}, "timeout": 1e9}]
)
def test_a_passed_deadline_applies_after_one_more_poll(*, once: bool, policy: dict[str, object]) -> None:
    """A deadline that passed between two runs applies only after one more poll."""
    saved = SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY))
    wishes = Policy(once=once, **policy)  # type: ignore[arg-type]  # as the parameters say
    waiter = resumed(saved, wishes)
    assert end_of(waiter) is None
    assert waiter.deadline == LATER.monotonic + wishes.outage_budget
    (ended,) = events_after(waiter, "ready")
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.TIMEOUT
    changed, complete = events_after(resumed(saved, wishes), "complete")
    assert isinstance(changed, Changed)
    assert isinstance(complete, Ended)
    assert complete.outcome is Outcome.COMPLETE


def test_a_fault_in_that_poll_is_retried() -> None:
    """A fault in that poll is retried and does not cause a timeout."""
    waiter = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0, once=True))
    step = waiter.receive(SERVER, Arrival(LATER.monotonic, LATER))
    assert step.wake_at is not None
    _, ended = events_after(waiter, "complete", Instant(LATER.monotonic + 5.0, LATER.unix + 5.0))
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.COMPLETE


def test_an_outage_ends_a_resumed_wait() -> None:
    """The passed deadline applies after an outage that exhausts its budget."""
    waiter = resumed(
        SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0, outage_budget=20.0)
    )
    now = Instant(LATER.monotonic + 20.0, LATER.unix + 20.0)
    (ended,) = waiter.receive(SERVER, Arrival(now.monotonic, now)).events
    assert isinstance(ended, Ended)
    assert ended.outcome in {Outcome.TIMEOUT, Outcome.UNAVAILABLE}


@pytest.mark.parametrize(("wait", "outcome"), [(3.4, None), (301.0, Outcome.TIMEOUT)])
def test_a_short_hold_delays_the_one_more_poll(wait: float, outcome: Outcome | None) -> None:
    """A saved hold delays that poll, for as long as an outage may last."""
    until = LATER.monotonic + wait
    waiter = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0))
    ended = end_of(waiter, Hold(until, until, named=True))
    assert (None if ended is None else ended.outcome) is outcome


def test_a_longer_timeout_extends_the_wait() -> None:
    """This run's timeout counts from the start of the first run."""
    assert resumed(policy=Policy(timeout=7200.0)).deadline == LATER.monotonic + 3600.0


def test_nothing_is_reported_twice() -> None:
    """Neither a transition nor an unknown status is reported twice."""
    driven = Driven(Policy())
    driven.receive(seen("preparing"))
    driven.receive(seen("validating"))
    saved = SavedWait.after(driven.events[-1])
    waiter = resumed(saved, Policy(timeout=1e9))
    assert events_after(waiter, "validating") == []
    assert [type(event) for event in events_after(waiter, "ready")] == [Changed]
    assert [type(event) for event in events_after(waiter, "validating")] == [Changed]
    assert MetUnknownStatus in [type(event) for event in events_after(waiter, "other")]


def test_the_goal_of_a_resumed_wait() -> None:
    """The goal of a resumed wait names its age and its last status."""
    (watching,) = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY))).begin(LATER).events
    assert isinstance(watching, Watching)
    assert watching.goal == "until complete, for at most 1h; resumed after 1h, last status ready"


def test_a_single_poll_respects_a_saved_hold() -> None:
    """A single poll is not sent during a saved hold."""
    hold = Hold(50.0, 57.0, named=True)
    ended = end_of(resumed(policy=Policy(once=True)), hold)
    assert ended is not None
    assert ended.outcome is Outcome.UNAVAILABLE
    assert ended.message == "not polled: the API asked an earlier run to wait; 50s left. Check again later."
    refused = end_of(resumed(policy=Policy(once=True)), Hold(5.0, 17.0, named=False))
    assert refused is not None
    assert "an earlier run was rate limited; 10s left" in refused.message
    assert end_of(resumed(policy=Policy(once=True)), Hold(1.0, 7.0, named=True)) is None


def test_a_saved_hold_ends_a_wait_only_past_the_deadline() -> None:
    """A saved hold ends the wait only if it ends past the deadline."""
    hold = Hold(50.0, 57.0, named=True)
    assert end_of(resumed(policy=Policy(timeout=7200.0)), hold) is None
    ended = end_of(resumed(policy=Policy(timeout=3610.0)), hold)
    assert ended is not None
    assert ended.outcome is Outcome.TIMEOUT
    assert end_of(resumed(policy=Policy(timeout=3610.0)), Hold(7.0, 57.0, named=False)) is None


@pytest.mark.parametrize(
    ("age", "outcome"), [(0.0, Outcome.PENDING), (29.0, Outcome.PENDING), (30.0, Outcome.NOT_FOUND)]
)
def test_a_missing_import_is_pending_until_the_time_to_appear_ends(age: float, outcome: Outcome) -> None:
    """With saved state a single poll does not wait for an import to appear; the first run's start counts."""
    now = Instant(7.0, BEGAN + age)
    waiter = resumed(policy=Policy(once=True, remembered=True, appear_within=30.0), now=now)
    (ended,) = waiter.receive(MISSING, Arrival(now.monotonic, now)).events
    assert isinstance(ended, Ended)
    assert ended.outcome is outcome


def test_without_saved_state_a_single_poll_waits() -> None:
    """Without saved state a single poll waits for the import to appear."""
    driven = Driven(Policy(once=True))
    driven.receive(MISSING)
    assert driven.wake_at is not None


def test_an_earlier_outage_does_not_count() -> None:
    """An outage before this run does not count."""
    waiter = resumed(policy=Policy(timeout=1e9, outage_budget=60.0))
    step = waiter.receive(SERVER, Arrival(LATER.monotonic, LATER))
    assert step.wake_at is not None
