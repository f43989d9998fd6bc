"""Tests of what repeated runs with a state file report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.driving import NETWORK, SERVER, THROTTLED, Driven, seen
from tests.support.results import NOTHING_WATCHED
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome
from watcher.reports.on_change import MAX_EVENTS, LogOfChanges
from watcher.reports.report import Notice, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.core.answers.replies import Reply
    from watcher.core.events import Ended, Event
    from watcher.core.model import ImportRef

HINT = Notice(Level.WARNING, "hint", "this is an SDK key")
POLICY = Policy(once=True, outage_budget=5.0, timeout=1e9)


def nothing_told(ref: ImportRef) -> None:
    """Return no outcome, as in a first run."""
    del ref


class Recording(Report):
    """A log that records what it receives."""

    def __init__(self) -> None:
        self.received: list[str] = []

    def receive(self, event: Event) -> None:
        """Record the kind of the event."""
        self.received.append(type(event).__name__)

    def finish(self, result: Result) -> None:
        """Record the result."""
        self.received.append(f"{len(result.ends)} {result.outcome}")

    def notify(self, notice: Notice) -> None:
        """Record the message."""
        self.received.append(f"{notice.level.name} {notice.name}: {notice.message}")

    def close(self) -> None:
        """Record the call."""
        self.received.append("closed")


class Runs:
    """Runs one after the other, which remember what the run before has told."""

    def __init__(self) -> None:
        self._told: dict[ImportRef, Ended] = {}

    def look(self, *replies: Reply) -> list[str]:
        """Return what one run writes that gets these replies, the last one until the run ends."""
        driven, recording = Driven(POLICY), Recording()
        for reply in replies[:-1]:
            driven.receive(reply)
        ended = driven.receive_until_over(replies[-1])
        log = LogOfChanges(recording, self._has_changed, self._outcome_told)
        for event in driven.events:
            log.receive(event)
        log.finish(ExitCodes().result([ended]))
        self._told[ended.ref] = ended
        return recording.received

    def _has_changed(self, ended: Ended) -> bool:
        told = self._told.get(ended.ref)
        return told is None or (told.outcome, told.progress.status) != (ended.outcome, ended.progress.status)

    def _outcome_told(self, ref: ImportRef) -> Outcome | None:
        told = self._told.get(ref)
        return None if told is None else told.outcome


UP = seen("ready")
FIRST = ["Changed", "Ended", "1 pending"]
DOWN = ["Ended", "1 unavailable"]
AGAIN = ["INFO responding_again: responding again", "Changed", "Ended", "1 pending"]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([[UP], [UP], [UP]], [FIRST, [], []]),
        ([[SERVER], [SERVER], [NETWORK], [UP], [UP]], [DOWN, [], [], AGAIN, []]),
        ([[SERVER], [UP], [SERVER], [SERVER], [UP]], [DOWN, AGAIN, DOWN, [], AGAIN]),
        ([[UP], [SERVER, UP], [NETWORK, SERVER, UP], [UP]], [FIRST, [], [], []]),
        ([[SERVER], [SERVER, UP], [SERVER, UP]], [DOWN, AGAIN, []]),
        ([[SERVER], [THROTTLED], [SERVER]], [DOWN, [], []]),
        ([[SERVER], [seen("complete")], [UP]], [DOWN, [*AGAIN[:3], "1 complete"], FIRST]),
    ],
    ids=["no outage", "an outage", "two outages", "faults within a run", "both", "a rate limit", "final"],
)
def test_a_sequence_of_runs(runs: Sequence[Sequence[Reply]], expected: Sequence[list[str]]) -> None:
    """An outage is reported when it begins and when it ends, and faults that a run rides out never."""
    sequence = Runs()
    assert [sequence.look(*replies) for replies in runs] == [*expected]


def test_the_kept_events_are_bounded() -> None:
    """A wait with endless transitions does not fill the memory."""
    driven, recording = Driven(Policy(timeout=1e9)), Recording()
    for _ in range(MAX_EVENTS):
        driven.receive(seen("ready"))
        driven.receive(seen("in_progress"))
    driven.receive(seen("stopped"))
    log = LogOfChanges(recording, lambda _: True, nothing_told)
    for event in driven.events:
        log.receive(event)
    assert len(recording.received) == MAX_EVENTS


def test_several_imports_are_responding_again_once() -> None:
    """The end of an outage is one line, however many imports it affected."""
    driven, recording = Driven(Policy(once=True)), Recording()
    driven.receive(seen("ready"))
    log = LogOfChanges(recording, lambda _: True, lambda _: Outcome.UNAVAILABLE)
    log.receive(driven.ended)
    log.receive(driven.ended)
    assert recording.received == ["INFO responding_again: responding again", "Ended", "Ended"]


def test_a_warning_is_written_at_once() -> None:
    """A damaged state file always matters; a hint that each run repeats is not."""
    recording = Recording()
    log = LogOfChanges(recording, lambda _: False, nothing_told)
    log.notify(Notice(Level.WARNING, "state_file", "set aside"))
    log.notify(HINT)
    assert recording.received == ["WARNING state_file: set aside"]


def test_a_hint_is_written_once_before_the_first_change() -> None:
    """A hint may explain the outcome that follows."""
    recording, driven = Recording(), Driven(Policy(once=True))
    log = LogOfChanges(recording, lambda _: True, nothing_told)
    log.notify(HINT)
    driven.receive(seen("ready"))
    log.receive(driven.ended)
    log.receive(driven.ended)
    assert recording.received == ["WARNING hint: this is an SDK key", "Ended", "Ended"]


def test_a_run_that_watched_nothing_is_written() -> None:
    """A usage error has no imports that could have changed."""
    recording = Recording()
    LogOfChanges(recording, lambda _: False, nothing_told).finish(NOTHING_WATCHED)
    assert recording.received == ["0 usage"]
