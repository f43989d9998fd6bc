"""Tests of what repeated runs with a state file report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.driving import SERVER, Driven, seen
from tests.support.results import NOTHING_WATCHED
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.policy import Policy
from watcher.reports.on_change import MAX_EVENTS, LogOfChanges
from watcher.reports.report import Notice, Report

if TYPE_CHECKING:
    from watcher.core.events import Event

HINT = Notice(Level.WARNING, "hint", "this is an SDK key")


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


def look(*, has_changed: bool, faults: int = 1) -> list[str]:
    """Return what a run with ``--once`` writes that meets faults and then sees a status."""
    driven, recording = Driven(Policy(once=True, outage_budget=1e9, timeout=1e9)), Recording()
    for _ in range(faults):
        driven.receive(SERVER)
    driven.receive(seen("ready"))
    log = LogOfChanges(recording, lambda _: has_changed)
    for event in driven.events[:-1]:
        log.receive(event)
    assert recording.received == []
    log.receive(driven.ended)
    log.finish(ExitCodes().result([driven.ended]))
    log.close()
    return recording.received


def test_a_changed_import_is_written_with_its_events() -> None:
    """Faults, transitions and the outcome come in order, without the event that a wait begins."""
    assert look(has_changed=True) == ["Retrying", "Changed", "Ended", "1 pending", "closed"]


def test_an_unchanged_import_is_silent() -> None:
    """Nothing is written if the last run reported the same, not even faults on the way."""
    assert look(has_changed=False) == ["closed"]


def test_the_kept_events_are_bounded() -> None:
    """A wait with endless faults does not fill the memory."""
    assert len(look(has_changed=True, faults=2 * MAX_EVENTS)) == MAX_EVENTS + 2


def test_a_warning_is_written_at_once() -> None:
    """A damaged state file always matters; a hint that each run repeats is not."""
    recording = Recording()
    log = LogOfChanges(recording, lambda _: False)
    log.notify(Notice(Level.WARNING, "state_file", "set aside"))
    log.notify(HINT)
    assert recording.received == ["WARNING state_file: set aside"]


def test_a_hint_is_written_once_before_the_first_change() -> None:
    """A hint may explain the outcome that follows."""
    recording, driven = Recording(), Driven(Policy(once=True))
    log = LogOfChanges(recording, lambda _: True)
    log.notify(HINT)
    driven.receive(seen("ready"))
    log.receive(driven.ended)
    log.receive(driven.ended)
    assert recording.received == ["WARNING hint: this is an SDK key", "Ended", "Ended"]


def test_a_run_that_watched_nothing_is_written() -> None:
    """A usage error has no imports that could have changed."""
    recording = Recording()
    LogOfChanges(recording, lambda _: False).finish(NOTHING_WATCHED)
    assert recording.received == ["0 usage"]
