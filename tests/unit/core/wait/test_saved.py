"""What a later run takes up, whatever the wall clock did in between."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import EPOCH, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.model import Import, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus
from watcher.core.wait.record import Record
from watcher.core.wait.saved import (
    LONGEST_HOLD,
    LONGEST_REST,
    SavedHold,
    SavedWait,
    Stamp,
    remember,
    remember_hold,
)

THEN = 1_000_000.0
READY = Import(ImportStatus.READY)


def aged(memory: SavedWait, kept: Stamp, now: Stamp) -> tuple[float, float | None]:
    """How old the wait and its status are for a run that takes them up."""
    taken = memory.taken_up(kept, now)
    return now.unix - taken.began, None if taken.since is None else now.unix - taken.since


@pytest.mark.parametrize(
    ("kept", "now", "age"),
    [
        pytest.param(Stamp(THEN), Stamp(THEN + 60), 160, id="no step"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN + 60, "a", 110), 160, id="no step, same start"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN + 3660, "a", 110), 160, id="stepped forward"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN - 3540, "a", 110), 160, id="stepped back"),
        pytest.param(Stamp(0.0, "a", 50), Stamp(1.7e9, "a", 51), 101, id="set for the first time"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN + 60, "b", 5), 160, id="started anew"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN + 60, "a", 5), 160, id="a start that cannot be"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN - 40, "b", 5), 60, id="back, started anew"),
        pytest.param(Stamp(THEN, "a", 50), Stamp(THEN - 3540, "b", 5), 0, id="far back, started anew"),
        pytest.param(Stamp(THEN), Stamp(THEN - 3540), 0, id="far back, no clock of the start"),
    ],
)
def test_a_wait_is_as_old_as_it_can_be_known(kept: Stamp, now: Stamp, age: float) -> None:
    """A step of the wall clock neither resets a wait nor makes it older where that can be known."""
    memory = SavedWait(began=kept.unix - 100, since=kept.unix - 100, last=READY)
    wait, status = aged(memory, kept, now)
    assert wait == pytest.approx(age, abs=1e-3)
    assert status == wait


def test_a_status_is_never_older_than_its_wait() -> None:
    """First sight lies between the beginning and now, whatever the file says."""
    kept = now = Stamp(THEN)
    assert aged(SavedWait(began=THEN - 10, since=THEN - 99, last=READY), kept, now) == (10, 10)
    assert aged(SavedWait(began=THEN - 10, since=THEN + 99, last=READY), kept, now) == (10, 0)


def test_a_wait_that_lay_in_the_future_grows_older_from_then_on() -> None:
    """What was put right is kept, so a wall clock that was wrong once does not stop a wait for good."""
    memory = SavedWait(began=THEN + 1e6).taken_up(Stamp(THEN + 1e6), Stamp(THEN))
    assert aged(memory, Stamp(THEN), Stamp(THEN + 60)) == (60, None)


@pytest.mark.parametrize(
    ("hold", "left"),
    [
        pytest.param(SavedHold(THEN + 40, THEN + 44, named=True), (30, 34), id="under way"),
        pytest.param(SavedHold(THEN + 5, THEN + 9, named=True), None, id="over"),
        pytest.param(SavedHold(THEN - 5, THEN + 20, named=False), (-15, 10), id="a backoff"),
        pytest.param(
            SavedHold(THEN + 1e6, THEN + 2e6, named=True), (LONGEST_HOLD, LONGEST_HOLD), id="endless"
        ),
    ],
)
def test_a_hold_ends_within_the_hour(hold: SavedHold, left: tuple[float, float] | None) -> None:
    """A pending hold goes on, a past one is gone, and one that cannot be is cut."""
    now = Stamp(THEN + 10)
    taken = hold.taken_up(Stamp(THEN), now)
    assert (None if taken is None else (taken.until - now.unix, taken.resume_at - now.unix)) == left


def test_a_hold_follows_the_clock() -> None:
    """A step of the wall clock neither lengthens a hold nor lifts it."""
    hold = SavedHold(THEN + 40, THEN + 44, named=True)
    for step in (-3600, 3600):
        now = Stamp(THEN + 10 + step, "a", 60)
        taken = hold.taken_up(Stamp(THEN, "a", 50), now)
        assert taken is not None
        assert taken.until - now.unix == pytest.approx(30)


def test_a_hold_comes_back_as_it_was() -> None:
    """From the run's clock to the wall clock and back, nothing is lost; what is over is not kept."""
    hold = Hold(130.0, 140.0, named=True)
    kept = remember_hold(hold, Instant(100.0, THEN))
    assert kept is not None
    assert kept.restored(Instant(5.0, THEN)) == Hold(35.0, 45.0, named=True)
    assert remember_hold(hold, Instant(140.0, THEN)) is None
    assert remember_hold(None, Instant(0.0, THEN)) is None


def test_what_nobody_used_is_forgotten() -> None:
    """After 30 days by the best clock there is, and not before."""
    kept = Stamp(THEN, "a", 50)
    assert not kept.is_forgotten(Stamp(THEN + LONGEST_REST))
    assert kept.is_forgotten(Stamp(THEN + LONGEST_REST + 1))
    assert not kept.is_forgotten(Stamp(THEN + 2 * LONGEST_REST, "a", 60))
    assert not kept.is_forgotten(Stamp(THEN - 2 * LONGEST_REST))


def test_a_record_goes_on_where_it_was() -> None:
    """Status, counters, transitions and ages of a wait are those of the first run."""
    driven = Driven(Policy())
    driven.receive(seen("preparing"), at=5.0)
    driven.receive(seen("ready"), at=20.0)
    memory = remember(driven.events[-1])
    now = Instant(1000.0, EPOCH + 80.0)
    progress = Record.restored(memory, now).progress(now.monotonic)
    assert (progress.status, progress.elapsed, progress.in_state) == ("ready", 80.0, 60.0)
    assert (progress.polls, len(progress.transitions)) == (2, 2)
    assert progress.transitions == driven.waiter.progress(driven.instant()).transitions


def test_a_final_wait_does_not_grow_older() -> None:
    """What a wait took counts to the first sight of the final status, whatever the clock of a later run."""
    driven = Driven(Policy())
    driven.receive(seen("complete"), at=42.0)
    memory = remember(driven.ended)
    assert memory.is_final
    now = Instant(0.0, EPOCH - 9999.0)
    memory = memory.taken_up(Stamp(EPOCH), Stamp(now.unix))
    progress = Record.restored(memory, now).progress(now.monotonic)
    assert (progress.elapsed, progress.in_state) == (42.0, 0.0)


def test_a_memory_has_no_deadline() -> None:
    """No limit of the first run's reaches a later one."""
    driven = Driven(Policy(timeout=10.0, max_in_state={ImportStatus.READY: 5.0}))
    driven.receive(seen("ready"), at=1.0)
    kept = remember(driven.events[-1])
    assert math.isclose(kept.began, EPOCH)
    assert kept == SavedWait(EPOCH, EPOCH + 1.0, READY, kept.transitions, polls=1)
