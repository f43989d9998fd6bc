"""Tests of the observations of one import."""

from __future__ import annotations

import pytest

from tests.support.driving import EPOCH
from watcher.core.events import Progress
from watcher.core.model import Import, Instant, Transition
from watcher.core.statuses import ImportStatus, parse_status
from watcher.core.wait.record import TRANSITIONS_KEPT, Record


def test_a_status_that_alternates_forever_does_not_fill_the_memory() -> None:
    """Only the latest transitions are kept."""
    record = Record(0.0)
    for second in range(TRANSITIONS_KEPT + 10):
        status = ImportStatus.IN_PROGRESS if second % 2 else ImportStatus.READY
        record.observe(Import(status), Instant(float(second), float(second)))
    transitions = record.progress(Instant(2000.0, 2000.0)).transitions
    assert len(transitions) == TRANSITIONS_KEPT
    assert [transitions[0].at.unix, transitions[-1].at.unix] == [10.0, TRANSITIONS_KEPT + 9.0]


def test_a_status_counts_from_its_first_observation() -> None:
    """A transition has the times of its observation, and a repeated status is none."""
    record = Record(100.0)
    before = record.progress(Instant(100.5, 0.5))
    assert (before.in_state, before.elapsed, before.seen_at) == (None, 0.5, None)
    first = record.observe(Import(ImportStatus.READY), Instant(110.0, 10.0))
    assert first == Transition(None, "ready", Instant(110.0, 10.0), 10.0, None, expected=True)
    assert record.observe(Import(ImportStatus.READY), Instant(115.0, 15.0)) is None
    second = record.observe(Import(ImportStatus.IN_PROGRESS), Instant(130.0, 30.0))
    assert second == Transition("ready", "in_progress", Instant(130.0, 30.0), 30.0, 20.0, expected=True)
    assert record.progress(Instant(131.0, 31.0)) == Progress(
        status=ImportStatus.IN_PROGRESS,
        in_state=1.0,
        elapsed=31.0,
        polls=0,
        throttled=0,
        errors=0,
        last=Import(ImportStatus.IN_PROGRESS),
        transitions=(first, second),
        seen_at=30.0,
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ready", "validating", "in_progress"], [True, False, True]),
        (["in_progress", "validating", "ready"], [True, False, False]),
        (["in_progress", "ready", "in_progress"], [True, False, True]),
        (["validating", "ready"], [False, True]),
    ],
)
def test_an_unknown_status_does_not_hide_a_step_back(statuses: list[str], expected: list[bool]) -> None:
    """A transition is compared with the last known status, whatever unknown ones came between."""
    record = Record(0.0)
    for status in statuses:
        record.observe(Import(parse_status(status)), Instant(1.0, 1.0))
    assert [transition.expected for transition in record.transitions] == expected


def test_failed_requests_are_counted_apart() -> None:
    """A 429 is no error, and the last one of both is remembered with its time."""
    record = Record(0.0)
    for second, throttled in enumerate([False, True, False, True, True, False]):
        record.record_failure(f"error {second}", Instant(float(second), EPOCH), throttled=throttled)
        assert record.requests.last_error == f"error {second}"
        assert record.requests.error_at == second
    assert (record.requests.throttled, record.requests.errors) == (3, 3)
