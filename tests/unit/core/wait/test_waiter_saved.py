"""A wait that goes on in a later run: when it asks, and when it ends."""

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


def resumed(memory: SavedWait | None = None, policy: Policy | None = None, now: Instant = LATER) -> Waiter:
    """A waiter of a later run."""
    return Waiter(REF, policy or Policy(), now, Random(0), memory or SavedWait(BEGAN))


def end_of(waiter: Waiter, hold: Hold | None = None) -> Ended | None:
    """The end that needs no request."""
    step = waiter.recall(hold, LATER)
    if step is None:
        return None
    (ended,) = step.events
    assert isinstance(ended, Ended)
    return ended


def look(waiter: Waiter, status: str, now: Instant = LATER) -> list[object]:
    """What an answer leads to."""
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
def test_a_final_import_is_not_asked_for_again(status: str, policy: Policy, outcome: Outcome) -> None:
    """It is judged by what was kept and by this run's wishes, which may be others than before."""
    memory = SavedWait(BEGAN, BEGAN + 93.0, Import(parse_status(status)), polls=12)
    ended = end_of(resumed(memory, policy))
    assert ended is not None
    assert (ended.outcome, ended.progress.elapsed, ended.progress.polls) == (outcome, 93.0, 12)


@pytest.mark.parametrize("status", ["preparing", "ready", "in_progress", "validating"])
def test_any_other_import_is(status: str) -> None:
    """A status that can change, or that nobody knows, is asked for even where it met the goal before."""
    memory = SavedWait(BEGAN, BEGAN, Import(parse_status(status)))
    assert end_of(resumed(memory, Policy(until=ImportStatus.READY))) is None


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(
    "policy", [{"timeout": 60.0}, {"max_in_state": {ImportStatus.READY: 60.0}, "timeout": 1e9}]
)
def test_an_expired_clock_is_judged_after_one_more_look(*, once: bool, policy: dict[str, object]) -> None:
    """The import may have ended meanwhile; only an answer shows whether it has."""
    memory = SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY))
    wishes = Policy(once=once, **policy)  # type: ignore[arg-type]  # as the parameters say
    waiter = resumed(memory, wishes)
    assert end_of(waiter) is None
    assert waiter.deadline == LATER.monotonic + wishes.outage_budget
    (ended,) = look(waiter, "ready")
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.TIMEOUT
    changed, complete = look(resumed(memory, wishes), "complete")
    assert isinstance(changed, Changed)
    assert isinstance(complete, Ended)
    assert complete.outcome is Outcome.COMPLETE


def test_a_fault_is_not_the_one_more_look() -> None:
    """A look after a quiet night that meets a 502 first asks again, and does not call it a timeout."""
    waiter = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0, once=True))
    step = waiter.receive(SERVER, Arrival(LATER.monotonic, LATER))
    assert step.wake_at is not None
    _, ended = look(waiter, "complete", Instant(LATER.monotonic + 5.0, LATER.unix + 5.0))
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.COMPLETE


def test_nobody_answers_the_one_more_look() -> None:
    """An expired clock is judged all the same when an outage has lasted as long as it may."""
    waiter = resumed(
        SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0, outage_budget=20.0)
    )
    now = Instant(LATER.monotonic + 20.0, LATER.unix + 20.0)
    (ended,) = waiter.receive(SERVER, Arrival(now.monotonic, now)).events
    assert isinstance(ended, Ended)
    assert ended.outcome in {Outcome.TIMEOUT, Outcome.UNAVAILABLE}


@pytest.mark.parametrize(("wait", "outcome"), [(3.4, None), (301.0, Outcome.TIMEOUT)])
def test_a_short_pause_comes_before_the_one_more_look(wait: float, outcome: Outcome | None) -> None:
    """A rate limit's pause that an earlier run left is waited for, as long as an outage would be."""
    until = LATER.monotonic + wait
    waiter = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY)), Policy(timeout=60.0))
    ended = end_of(waiter, Hold(until, until, named=True))
    assert (None if ended is None else ended.outcome) is outcome


def test_a_longer_timeout_extends_the_wait() -> None:
    """The file holds no deadline: what this run allows counts from the first run's beginning."""
    assert resumed(policy=Policy(timeout=7200.0)).deadline == LATER.monotonic + 3600.0


def test_what_was_told_is_not_told_again() -> None:
    """Neither a transition nor the warning of an unknown status comes twice."""
    driven = Driven(Policy())
    driven.receive(seen("preparing"))
    driven.receive(seen("validating"))
    memory = SavedWait.after(driven.events[-1])
    waiter = resumed(memory, Policy(timeout=1e9))
    assert look(waiter, "validating") == []
    assert [type(event) for event in look(waiter, "ready")] == [Changed]
    assert [type(event) for event in look(waiter, "validating")] == [Changed]
    assert MetUnknownStatus in [type(event) for event in look(waiter, "other")]


def test_where_it_goes_on_is_said() -> None:
    """The first line of a resumed wait tells its age and its status."""
    (watching,) = resumed(SavedWait(BEGAN, BEGAN, Import(ImportStatus.READY))).begin(LATER).events
    assert isinstance(watching, Watching)
    assert watching.goal == "until complete, for at most 1h; going on after 1h, last seen ready"


def test_a_look_leaves_a_hold_alone() -> None:
    """While a rate limit that an earlier run met holds, a single look asks nothing."""
    hold = Hold(50.0, 57.0, named=True)
    ended = end_of(resumed(policy=Policy(once=True)), hold)
    assert ended is not None
    assert ended.outcome is Outcome.UNAVAILABLE
    assert ended.message == (
        "nothing was asked: the API told an earlier run to wait, which lasts another 50s; "
        "the import was not seen. Look again later."
    )
    refused = end_of(resumed(policy=Policy(once=True)), Hold(5.0, 17.0, named=False))
    assert refused is not None
    assert "the rate limit refused an earlier run, and is given another 10s" in refused.message
    assert end_of(resumed(policy=Policy(once=True)), Hold(1.0, 7.0, named=True)) is None


def test_a_wait_sits_a_hold_out_unless_it_ends_too_late() -> None:
    """A hold that ends past the deadline ends the wait at once; any other is waited for."""
    hold = Hold(50.0, 57.0, named=True)
    assert end_of(resumed(policy=Policy(timeout=7200.0)), hold) is None
    ended = end_of(resumed(policy=Policy(timeout=3610.0)), hold)
    assert ended is not None
    assert ended.outcome is Outcome.TIMEOUT
    assert end_of(resumed(policy=Policy(timeout=3610.0)), Hold(7.0, 57.0, named=False)) is None


@pytest.mark.parametrize(
    ("age", "outcome"), [(0.0, Outcome.PENDING), (29.0, Outcome.PENDING), (30.0, Outcome.NOT_FOUND)]
)
def test_a_look_at_nothing_is_pending_until_it_is_a_mistake(age: float, outcome: Outcome) -> None:
    """With a memory one look does not wait for an import to appear; the first run's clock decides."""
    now = Instant(7.0, BEGAN + age)
    waiter = resumed(policy=Policy(once=True, remembered=True, appear_within=30.0), now=now)
    (ended,) = waiter.receive(MISSING, Arrival(now.monotonic, now)).events
    assert isinstance(ended, Ended)
    assert ended.outcome is outcome


def test_a_look_without_memory_waits_for_an_import_to_appear() -> None:
    """Nobody looks again, so the one look is patient."""
    driven = Driven(Policy(once=True))
    driven.receive(MISSING)
    assert driven.wake_at is not None


def test_an_outage_counts_anew() -> None:
    """How long nobody answered before this run is not known, so its budget is whole."""
    waiter = resumed(policy=Policy(timeout=1e9, outage_budget=60.0))
    step = waiter.receive(SERVER, Arrival(LATER.monotonic, LATER))
    assert step.wake_at is not None
