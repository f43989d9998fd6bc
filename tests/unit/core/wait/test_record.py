"""Tests of the observations of one import."""

from __future__ import annotations

from watcher.core.model import Import, Instant
from watcher.core.statuses import ImportStatus
from watcher.core.wait.record import TRANSITIONS_KEPT, Record


def test_a_status_that_alternates_forever_does_not_fill_the_memory() -> None:
    """Only the latest transitions are kept."""
    record = Record(Instant(0.0, 0.0))
    for second in range(TRANSITIONS_KEPT + 10):
        status = ImportStatus.IN_PROGRESS if second % 2 else ImportStatus.READY
        record.observe(Import(status), Instant(float(second), float(second)))
    transitions = record.progress(Instant(2000.0, 2000.0)).transitions
    assert len(transitions) == TRANSITIONS_KEPT
    assert [transitions[0].at.unix, transitions[-1].at.unix] == [10.0, TRANSITIONS_KEPT + 9.0]
