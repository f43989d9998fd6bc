"""What a later run restores, whatever happened to the wall clock in between."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import EPOCH, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.model import Import, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus
from watcher.core.wait.record import Record
from watcher.core.wait.saved import HOLD_LIMIT, SavedHold, SavedWait

NOW = 1_000_000.0
READY = Import(ImportStatus.READY)


@pytest.mark.parametrize(
    ("began", "since", "ages"),
    [
        pytest.param(-100, -60, (100, 60), id="in the past"),
        pytest.param(-100, None, (100, None), id="never seen"),
        pytest.param(50, 60, (0, 0), id="in the future"),
        pytest.param(50, None, (0, None), id="in the future, never seen"),
        pytest.param(-100, 60, (100, 0), id="first seen in the future"),
        pytest.param(-100, -200, (100, 100), id="seen before it began"),
    ],
)
def test_a_time_in_the_future_counts_as_now(
    began: float, since: float | None, ages: tuple[float, float | None]
) -> None:
    """No time is in the future, and a status is never older than its wait."""
    last = None if since is None else READY
    wait = SavedWait(NOW + began, None if since is None else NOW + since, last).corrected(NOW)
    assert (NOW - wait.began, None if wait.since is None else NOW - wait.since) == ages
    assert wait.corrected(NOW) == wait


@pytest.mark.parametrize(
    ("hold", "left"),
    [
        pytest.param(SavedHold(NOW + 30, NOW + 34, named=True), (30, 34), id="pending"),
        pytest.param(SavedHold(NOW - 5, NOW - 1, named=True), None, id="over"),
        pytest.param(SavedHold(NOW - 15, NOW + 10, named=False), (-15, 10), id="a backoff"),
        pytest.param(
            SavedHold(NOW + 1e6, NOW + 2e6, named=True), (HOLD_LIMIT, HOLD_LIMIT), id="longer than the limit"
        ),
    ],
)
def test_a_hold_is_limited_to_an_hour(hold: SavedHold, left: tuple[float, float] | None) -> None:
    """A pending hold continues for an hour at most, and one that is over is dropped."""
    corrected = hold.corrected(NOW)
    assert (None if corrected is None else (corrected.until - NOW, corrected.resume_at - NOW)) == left


def test_a_hold_is_restored_on_another_monotonic_clock() -> None:
    """A hold keeps its times and the part that binds a last poll; one that is over is not saved."""
    hold = Hold(130.0, 140.0, named=True)
    saved = SavedHold.from_hold(hold, Instant(100.0, NOW))
    assert saved is not None
    assert saved.restored(Instant(5.0, NOW)) == Hold(35.0, 45.0, named=True)
    partly = Hold(130.0, 140.0, named=True, binds_until=110.0)
    saved = SavedHold.from_hold(partly, Instant(100.0, NOW))
    assert saved is not None
    corrected = saved.corrected(NOW)
    assert corrected is not None
    assert corrected.restored(Instant(5.0, NOW)).last_poll_at == 15.0
    assert SavedHold.from_hold(hold, Instant(140.0, NOW)) is None
    assert SavedHold.from_hold(None, Instant(0.0, NOW)) is None


def test_a_record_continues_where_it_was() -> None:
    """Status, counters, transitions and ages of a wait are those of the first run."""
    driven = Driven(Policy())
    driven.receive(seen("preparing"), at=5.0)
    driven.receive(seen("ready"), at=20.0)
    wait = SavedWait.after(driven.events[-1])
    now = Instant(1000.0, EPOCH + 80.0)
    progress = Record.restored(wait, now).progress(now)
    assert (progress.status, progress.elapsed, progress.in_state) == ("ready", 80.0, 60.0)
    assert (progress.polls, len(progress.transitions)) == (2, 2)
    assert progress.transitions == driven.waiter.progress(driven.instant()).transitions


def test_a_final_wait_does_not_grow_older() -> None:
    """A wait counts to the first sight of the final status, whatever a later run's clock says."""
    driven = Driven(Policy())
    driven.receive(seen("complete"), at=42.0)
    wait = SavedWait.after(driven.ended)
    assert wait.is_final
    now = Instant(0.0, EPOCH - 9999.0)
    progress = Record.restored(wait.corrected(now.unix), now).progress(now)
    assert (progress.elapsed, progress.in_state) == (42.0, 0.0)


def test_no_deadline_is_saved() -> None:
    """The limits of one run do not reach the next."""
    driven = Driven(Policy(timeout=10.0, max_in_state={ImportStatus.READY: 5.0}))
    driven.receive(seen("ready"), at=1.0)
    wait = SavedWait.after(driven.events[-1])
    assert math.isclose(wait.began, EPOCH)
    assert wait == SavedWait(EPOCH, EPOCH + 1.0, READY, wait.transitions, polls=1)
