"""What a later run restores, whatever happened to the wall clock in between."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import EPOCH, NETWORK, THROTTLED, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.model import Import, ImportFile, Instant, Transition
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, parse_status
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


@pytest.mark.parametrize(
    "hold",
    [
        SavedHold(NOW + 30, NOW + 34, named=True),
        SavedHold(NOW - 5, NOW + 5, named=False),
        SavedHold(NOW + 30, NOW + 34, named=True, binds_until=NOW + 10),
        SavedHold(NOW + 30, NOW + HOLD_LIMIT, named=True),
    ],
)
def test_a_pending_hold_within_the_limit_stays_as_it_is(hold: SavedHold) -> None:
    """A hold that needs no correction is restored unchanged."""
    assert hold.corrected(NOW) == hold


def test_a_hold_that_ends_now_is_over() -> None:
    """A request may be sent at the very end of a hold."""
    assert SavedHold(NOW - 4, NOW, named=True).corrected(NOW) is None


def test_a_limited_hold_binds_no_last_poll_past_the_limit() -> None:
    """The part of a hold that binds a last poll is limited with it."""
    hold = SavedHold(NOW + 1e6, NOW + 2e6, named=True, binds_until=NOW + 1e6)
    corrected = hold.corrected(NOW)
    assert corrected is not None
    assert corrected.binds_until == NOW + HOLD_LIMIT


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


def test_everything_that_was_counted_is_saved() -> None:
    """A wait keeps its times, its transitions and its counters, whatever event is the last."""
    driven = Driven(Policy())
    driven.receive(NETWORK, at=1.0)
    assert SavedWait.after(driven.events[-1]) == SavedWait(EPOCH, polls=1, errors=1)
    driven.receive(seen("ready"), at=5.0)
    for at in (7.0, 8.0):
        driven.receive(THROTTLED, at=at, hold=Hold(at, at, named=False, in_a_row=1))
    wait = SavedWait.after(driven.events[-1])
    last = driven.waiter.progress(driven.instant()).last
    transitions = driven.waiter.progress(driven.instant()).transitions
    assert wait == SavedWait(EPOCH, EPOCH + 5.0, last, transitions, polls=4, throttled=2, errors=1)
    now = Instant(9.0, EPOCH + 20.0)
    progress = Record.restored(wait, now).progress(now)
    assert (progress.polls, progress.throttled, progress.errors) == (4, 2, 1)
    assert (progress.last, progress.seen_at) == (last, None)


@pytest.mark.parametrize(
    ("hold", "saved"),
    [
        (Hold(9.0, 9.5, named=True, in_a_row=1), SavedHold(EPOCH + 9.0, EPOCH + 9.5, named=True)),
        (Hold(4.0, 7.5, named=False, in_a_row=1), SavedHold(EPOCH + 4.0, EPOCH + 7.5, named=False)),
    ],
)
def test_the_hold_of_a_429_is_saved_with_its_event(hold: Hold, saved: SavedHold) -> None:
    """A later run respects a hold that the last event of this one reported."""
    driven = Driven(Policy())
    driven.receive(THROTTLED, at=4.0, hold=hold)
    assert SavedHold.after(driven.events[-1]) == saved
    assert SavedHold.after(driven.events[0]) is None


ESCAPED = parse_status("\N{GRINNING FACE}" * 80)
"""A status that is longer than any limit, because its characters were escaped."""


def test_known_statuses_are_members_again() -> None:
    """The rules compare members, and no monotonic time of another run remains."""
    files = (ImportFile("keys.csv", None), ImportFile(None, "complete"))
    wait = SavedWait(
        NOW - 60,
        NOW - 30,
        Import("ready", "merge", 1654104600000, files),
        (
            Transition(None, ESCAPED, Instant(77.0, NOW - 40), 1.0, None, expected=False),
            Transition(ESCAPED, "ready", Instant(87.0, NOW - 30), 11.0, 10.0, expected=True),
            Transition("ready", "preparing", Instant(97.0, NOW - 20), 21.0, 10.0, expected=False),
        ),
        polls=7,
        throttled=2,
        errors=3,
    )
    checked = wait.checked()
    assert checked == SavedWait(
        NOW - 60,
        NOW - 30,
        Import(ImportStatus.READY, "merge", 1654104600000, files),
        (
            Transition(None, ESCAPED, Instant(0.0, NOW - 40), 1.0, None, expected=False),
            Transition(ESCAPED, "ready", Instant(0.0, NOW - 30), 11.0, 10.0, expected=True),
            Transition("ready", "preparing", Instant(0.0, NOW - 20), 21.0, 10.0, expected=False),
        ),
        polls=7,
        throttled=2,
        errors=3,
    )
    assert checked.last is not None
    members = [checked.last.status, checked.transitions[1].to, checked.transitions[2].source]
    assert all(isinstance(status, ImportStatus) for status in members)
    assert SavedWait(NOW, polls=1).checked() == SavedWait(NOW, polls=1)


def moved(source: str | None, to: str) -> Transition:
    """Return a transition between two texts."""
    return Transition(source, to, Instant(0.0, NOW), 0.0, None, expected=True)


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(SavedWait(NOW, NOW, None), id="a time without a status"),
        pytest.param(SavedWait(NOW, None, READY), id="a status without a time"),
        pytest.param(SavedWait(NOW, NOW, Import("\x1b[2J")), id="status"),
        pytest.param(SavedWait(NOW, NOW, Import("ready", "\x1b[2J")), id="mode"),
        pytest.param(SavedWait(NOW, NOW, Import("ready", files=(ImportFile("\x07", None),))), id="file"),
        pytest.param(SavedWait(NOW, NOW, Import("ready", files=(ImportFile(None, "\x07"),))), id="state"),
        pytest.param(SavedWait(NOW, NOW, READY, (moved("\x07", "ready"),)), id="source"),
        pytest.param(SavedWait(NOW, NOW, READY, (moved(None, "\x07"),)), id="target"),
    ],
)
def test_a_wait_that_no_run_saves_is_refused(wait: SavedWait) -> None:
    """Text that is not safe to print, and fields that contradict each other, are damage."""
    with pytest.raises(ValueError):  # noqa: PT011 (the caller names the file)
        wait.checked()
