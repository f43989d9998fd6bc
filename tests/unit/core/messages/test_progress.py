"""Tests of the lines and levels of events."""

from __future__ import annotations

import pytest

from tests.support.driving import EPOCH, REF
from tests.unit.reports.live.test_view_state import progress
from watcher.core.events import (
    Changed,
    Ended,
    Event,
    Heartbeat,
    MetThrottle,
    MetUnknownStatus,
    Progress,
    Retrying,
    Watching,
)
from watcher.core.messages.progress import Level, level_of, level_of_outcome, line_of, polls, waiting_for
from watcher.core.model import Import, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus

NOW = Instant(5.0, EPOCH + 5.0)
READY = Progress(ImportStatus.READY, 2.0, 5.0, 3, 0, 0, Import(ImportStatus.READY), ())
UNSEEN = Progress(None, None, 5.0, 1, 0, 1, None, ())


def change(source: ImportStatus | None, to: str, *, expected: bool = True) -> Changed:
    """Return a change of status after two seconds."""
    in_state = None if source is None else 2.0
    return Changed(REF, NOW, READY, Transition(source, to, NOW, 5.0, in_state, expected))


@pytest.mark.parametrize(
    ("event", "level", "line"),
    [
        (Watching(REF, NOW, UNSEEN, "until complete"), Level.INFO, f"watching {REF} until complete"),
        (change(None, ImportStatus.PREPARING), Level.INFO, "preparing"),
        (
            change(ImportStatus.PREPARING, ImportStatus.PENDING_APPROVAL),
            Level.INFO,
            "preparing -> pending_approval after 2s: the change must be approved and applied in LaunchDarkly",
        ),
        (
            change(ImportStatus.IN_PROGRESS, ImportStatus.READY, expected=False),
            Level.WARNING,
            "in_progress -> ready after 2s (unexpected)",
        ),
        (change(ImportStatus.READY, "x", expected=False), Level.INFO, "ready -> x after 2s"),
        (
            MetThrottle(REF, NOW, READY, 9.0, 8.0, 1),
            Level.WARNING,
            "rate limited (429): the API asks to wait 8s; checking again in 9s",
        ),
        (MetThrottle(REF, NOW, READY, 9.0, 8.0, 2), Level.WARNING, None),
        (Retrying(REF, NOW, READY, "HTTP 502", 1.0, 1), Level.WARNING, "HTTP 502; checking again in 1s"),
        (Retrying(REF, NOW, READY, "HTTP 502", 1.0, 2), Level.WARNING, None),
        (
            MetUnknownStatus(REF, NOW, READY, UnknownStatus("x")),
            Level.WARNING,
            'unknown status "x"; still waiting',
        ),
        (
            Heartbeat(REF, NOW, READY, 3, "rate limited", 4.0),
            Level.INFO,
            "still ready after 2s, 3 polls; rate limited; checking again in 4s; 3 imports are not final",
        ),
        (Heartbeat(REF, NOW, UNSEEN, 1, None, None), Level.INFO, "not seen yet after 5s, 1 poll"),
        (Ended(REF, NOW, READY, Outcome.TIMEOUT, "timed out"), Level.ERROR, "timed out"),
        (Ended(REF, NOW, READY, Outcome.PENDING, "not final yet"), Level.INFO, "not final yet"),
        (Ended(REF, NOW, READY, Outcome.PENDING, "left", left_behind=True), Level.INFO, "left"),
        (Ended(REF, NOW, READY, Outcome.REACHED, "reached ready"), Level.INFO, "reached ready"),
    ],
)
def test_an_event_has_one_line_and_a_level(event: Event, level: Level, line: str | None) -> None:
    """Each event has a level and one line; a repetition has no line."""
    assert level_of(event) is level
    assert line_of(event) == line


def test_exit_code_0_decides_the_level_of_a_result() -> None:
    """A remapped outcome is as important as its exit code says."""
    assert level_of_outcome(Outcome.STOPPED, 0) is Level.INFO
    assert level_of_outcome(Outcome.COMPLETE, 10) is Level.ERROR
    assert level_of_outcome(Outcome.INTERRUPTED, 130) is Level.WARNING


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "waiting for the import to appear"),
        ("preparing", "LaunchDarkly is preparing the import"),
        ("pending_approval", "the change must be approved and applied in LaunchDarkly"),
        ("ready", "waiting for LaunchDarkly to start the import"),
        ("in_progress", "LaunchDarkly is importing the keys"),
        ("validating", "unknown status; still waiting"),
    ],
)
def test_every_status_has_its_own_words(status: str | None, words: str) -> None:
    """The message says what must happen next; before the first response nothing is known."""
    way = ((status, 1.0),) if status else ()
    assert waiting_for(progress(*way)) == words
    assert waiting_for(progress(*way, polls=0)) == "waiting for the first response"


def test_polls_are_counted() -> None:
    """One poll is not plural."""
    assert [polls(progress(polls=count)) for count in (0, 1, 2)] == ["0 polls", "1 poll", "2 polls"]
