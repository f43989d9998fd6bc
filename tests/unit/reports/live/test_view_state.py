"""What the live view knows about an import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, REF
from watcher.core import lifecycle
from watcher.core.events import Ended, Heartbeat, MetThrottle, Progress, Retrying, Watching
from watcher.core.model import Import, Instant, Transition
from watcher.core.statuses import Outcome, Status, parse_status
from watcher.reports.live.view_state import Attention, ImportView, ViewState, running_time

if TYPE_CHECKING:
    from watcher.core.events import Event
    from watcher.core.model import ImportRef

GOAL = "until complete, for at most 1h"
NOW = Instant(100.0, EPOCH + 100)


def progress(*way: tuple[str, float], polls: int = 3) -> Progress:
    """Return the progress of an import that spent some seconds in each status, the last one included."""
    transitions: list[Transition] = []
    source: Status | None = None
    elapsed = 0.0
    for index, (name, _) in enumerate(way):
        status = parse_status(name)
        in_state = way[index - 1][1] if index else None
        elapsed += in_state or 0.0
        at = Instant(elapsed, EPOCH + elapsed)
        expected = lifecycle.is_expected(source, status)
        transitions.append(Transition(source, status, at, elapsed, in_state, expected))
        source = status
    spent = way[-1][1] if way else None
    last = None if source is None else Import(source)
    return Progress(source, spent, elapsed + (spent or 0.0), polls, 0, 0, last, tuple(transitions))


def ended(outcome: Outcome, *way: tuple[str, float], ref: ImportRef = REF) -> ImportView:
    """Return an import whose wait is over."""
    after = progress(*way)
    return ImportView(ref, GOAL, after, ended=Ended(ref, NOW, after, outcome, "Look at it."))


SEEN = progress(("preparing", 2.0))


def view_of(*events: Event, trouble: str | None, later: float = 0.0) -> ImportView:
    """Return what the state knows about one import some seconds after the last event."""
    now = Instant(NOW.monotonic + later, NOW.unix + later)
    latest = events[-1].progress
    state = ViewState(lambda ref: Heartbeat(ref, now, latest, 1, trouble, 4.0))
    for event in (Watching(REF, NOW, latest, GOAL), *events):
        state.receive(event)
    (view,) = state.views()
    return view


def test_a_rate_limit_counts_down_the_requested_wait() -> None:
    """The trouble lasts until the next good answer, and shows how much of the requested wait is left."""
    throttle = MetThrottle(REF, NOW, SEEN, 13.0, 12.0, 1)
    assert view_of(throttle, trouble="rate limited", later=2.5).trouble == (
        "rate limited (429): the API asks to wait 9.5s more"
    )
    assert view_of(throttle, trouble="rate limited", later=12.5).trouble == "rate limited (429)"
    assert view_of(throttle, trouble=None).trouble is None


def test_an_outage_shows_its_cause_and_duration() -> None:
    """The words of the wait itself are shown during an outage."""
    retry = Retrying(REF, NOW, SEEN, "HTTP 502", 3.0, 1)
    view = view_of(retry, trouble="no usable answer for 7s: HTTP 502")
    assert (view.trouble, view.next_poll) == ("no usable answer for 7s: HTTP 502", 4.0)
    assert view_of(retry, trouble=None).trouble is None


def test_an_import_that_has_not_appeared_has_trouble() -> None:
    """A 404 before the import appears is shown, although it is no outage."""
    missing = Retrying(REF, NOW, progress(), "the import is not there yet: HTTP 404", 3.0, 1)
    assert view_of(missing, trouble=None).trouble == "the import is not there yet: HTTP 404"


def test_an_outcome_is_final() -> None:
    """After the end of its wait, an import keeps its outcome."""
    state = ViewState(lambda _: None)
    state.receive(Watching(REF, NOW, progress(), GOAL))
    (before,) = state.views()
    assert before.ended is None
    state.receive(Ended(REF, NOW, SEEN, Outcome.STOPPED, "stopped"))
    (view,) = state.views()
    assert view.ended is not None
    assert (view.progress, view.goal) == (SEEN, GOAL)


@pytest.mark.parametrize(
    ("view", "attention"),
    [
        (ended(Outcome.STOPPED), Attention.FAILED),
        (ended(Outcome.TIMEOUT), Attention.FAILED),
        (ImportView(REF, GOAL, SEEN, trouble="HTTP 502"), Attention.NO_RESPONSE),
        (ImportView(REF, GOAL, progress(("pending_approval", 1.0))), Attention.NEEDS_APPROVAL),
        (ImportView(REF, GOAL, SEEN), Attention.MOVING),
        (ended(Outcome.INTERRUPTED), Attention.INCONCLUSIVE),
        (ended(Outcome.COMPLETE), Attention.DONE),
        (ended(Outcome.REACHED), Attention.DONE),
    ],
)
def test_attention(view: ImportView, attention: Attention) -> None:
    """Failures need a person most, then missing answers and approvals."""
    assert view.attention is attention


def test_an_approval_is_a_step_only_if_it_was_seen() -> None:
    """Most imports need no approval, so none is expected."""
    assert ImportView(REF, GOAL, progress()).steps_ahead == ["preparing", "ready", "in_progress", "complete"]
    assert ImportView(REF, GOAL, progress(("preparing", 1.0))).steps_ahead == [
        "ready",
        "in_progress",
        "complete",
    ]
    view = ImportView(REF, GOAL, progress(("pending_approval", 1.0), ("in_progress", 1.0)))
    assert view.done_steps == [("pending_approval", "1s")]
    assert view.steps_ahead == ["complete"]


def test_unusual_statuses_are_steps_too() -> None:
    """An unknown status and a step back are shown, and followed by the usual steps."""
    unknown = ImportView(REF, GOAL, progress(("preparing", 1.0), ("validating", 2.0)))
    assert unknown.done_steps == [("preparing", "1s")]
    assert unknown.status == "validating"
    assert unknown.steps_ahead == ["ready", "in_progress", "complete"]
    back = ImportView(REF, GOAL, progress(("ready", 1.0), ("in_progress", 1.0), ("ready", 1.0)))
    assert back.steps_ahead == ["in_progress", "complete"]


def test_an_import_that_goes_back_and_forth_keeps_few_steps() -> None:
    """Only the latest completed steps are shown."""
    view = ImportView(REF, GOAL, progress(*[("ready", 1.0), ("in_progress", 1.0)] * 50))
    assert len(view.done_steps) == 5


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0.0s"), (0.49, "0.4s"), (9.99, "9.9s"), (10.0, "10s"), (93.0, "1m33s")]
)
def test_a_running_time_has_a_steady_width(seconds: float, words: str) -> None:
    """Tenths are always shown below ten seconds, and never above."""
    assert running_time(seconds) == words
