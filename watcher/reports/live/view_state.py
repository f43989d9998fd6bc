"""The current state of every import, for the live view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, auto
from itertools import pairwise

from watcher.core import lifecycle
from watcher.core.events import Ended, Event, Heartbeat, MetThrottle, Progress, Retrying, Watching
from watcher.core.messages.progress import RATE_LIMITED
from watcher.core.model import ImportRef
from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus
from watcher.core.text import duration

_MAX_DONE_STEPS = 5
"""A normal import completes at most four steps, but the API may go back and forth."""

_TENTHS_BELOW = 10.0
"""Seconds up to which a running time shows tenths; above, they would only flicker."""

_INSTANT = 0.001
"""Seconds below which a time is not shown: the precision of a duration."""

_USUAL_STEPS = (
    ImportStatus.PREPARING,
    ImportStatus.READY,
    ImportStatus.IN_PROGRESS,
    ImportStatus.COMPLETE,
)


class Attention(IntEnum):
    """How urgently an import needs a person; lower values are shown first."""

    FAILED = auto()
    NO_RESPONSE = auto()
    NEEDS_APPROVAL = auto()
    MOVING = auto()
    INCONCLUSIVE = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class ImportView:
    """One import at one moment.

    Attributes:
        goal: What the wait is for, in words.
        next_poll: Seconds until the next poll; None during a request.
        trouble: Why there is no current response; None if there is one.
        ended: The outcome; None during the wait.
    """

    ref: ImportRef
    goal: str
    progress: Progress
    next_poll: float | None = None
    trouble: str | None = None
    ended: Ended | None = None

    @property
    def is_final(self) -> bool:
        """Whether the import itself has reached its end, not only the wait."""
        return self.status in lifecycle.FINAL

    @property
    def is_explained(self) -> bool:
        """Whether lines of the log report the end."""
        return self.ended is not None and is_explained(self.ended)

    @property
    def attention(self) -> Attention:
        """How urgently the import needs a person."""
        if self.ended is not None:
            if self.ended.outcome in SUCCESSES:
                return Attention.DONE
            return Attention.INCONCLUSIVE if self.ended.outcome in INCONCLUSIVE else Attention.FAILED
        if self.trouble is not None:
            return Attention.NO_RESPONSE
        needs_approval = self.progress.status is ImportStatus.PENDING_APPROVAL
        return Attention.NEEDS_APPROVAL if needs_approval else Attention.MOVING

    @property
    def status(self) -> str:
        """The last known status."""
        return self.progress.status or "not seen yet"

    @property
    def name(self) -> str:
        """The outcome, or else the status."""
        return self.status if self.ended is None else self.ended.outcome

    @property
    def spent(self) -> str:
        """The time in the current status, or the length of the whole wait after its end."""
        elapsed, in_state = self.progress.elapsed, self.progress.in_state
        if self.ended is not None:
            return duration(elapsed)
        return running_time(elapsed if in_state is None else in_state)

    @property
    def next_request(self) -> str:
        """When the next poll is due."""
        if self.next_poll is None:
            return "request under way"
        return f"next poll in {running_time(self.next_poll)}"

    @property
    def done_steps(self) -> list[tuple[str, str]]:
        """The statuses that are over, each with the time spent in it."""
        seen = self.progress.transitions[-_MAX_DONE_STEPS - 1 :]
        return [(before.to, duration(after.in_state or 0.0)) for before, after in pairwise(seen)]

    @property
    def last_step(self) -> str:
        """The time in the last status if the wait ended there; empty if it ended at once."""
        in_state = self.progress.in_state or 0.0
        return duration(in_state) if in_state >= _INSTANT else ""

    @property
    def steps_ahead(self) -> list[ImportStatus]:
        """The statuses that usually follow; an approval is not usual."""
        seen = (step.to for step in reversed(self.progress.transitions) if isinstance(step.to, ImportStatus))
        last = next(seen, None)
        return [step for step in _USUAL_STEPS if lifecycle.is_expected(last, step)]


class ViewState:
    """Collect what is known about every import; ``snapshot`` is that of ``LiveView``."""

    def __init__(self, snapshot: Callable[[ImportRef], Heartbeat | None]) -> None:
        self._snapshot = snapshot
        self._views: dict[ImportRef, ImportView] = {}
        self._retries: dict[ImportRef, MetThrottle | Retrying] = {}

    def receive(self, event: Event) -> None:
        """Store what an event adds to the snapshots."""
        if isinstance(event, Watching):
            self._views[event.ref] = ImportView(event.ref, event.goal, event.progress)
        elif isinstance(event, MetThrottle | Retrying):
            self._retries[event.ref] = event
        elif isinstance(event, Ended):
            self._views[event.ref] = replace(self._views[event.ref], progress=event.progress, ended=event)

    def views(self) -> list[ImportView]:
        """Return a snapshot of every import, in the order in which their waits began."""
        return [self._current(view) for view in self._views.values()]

    def _current(self, view: ImportView) -> ImportView:
        snapshot = None if view.ended else self._snapshot(view.ref)
        if snapshot is None:
            return view
        return ImportView(
            view.ref, view.goal, snapshot.progress, snapshot.next_poll, self._trouble_of(snapshot)
        )

    def _trouble_of(self, snapshot: Heartbeat) -> str | None:
        event = self._retries.get(snapshot.ref)
        if snapshot.trouble is None:
            # Before the import appears, a 404 is shown although it is no fault yet.
            return event.detail if isinstance(event, Retrying) and snapshot.progress.status is None else None
        if isinstance(event, MetThrottle):
            left = (event.named_wait or 0.0) - (snapshot.at.monotonic - event.at.monotonic)
            rest = f": the API asks to wait {running_time(left)} more" if left > 0 else ""
            return f"{RATE_LIMITED}{rest}"
        return snapshot.trouble


def is_explained(end: Ended) -> bool:
    """Return whether lines of the log explain an end, so the last frame leaves it out."""
    return end.outcome not in SUCCESSES and not end.left_behind


def running_time(seconds: float) -> str:
    """Format a time that counts up or down with a steady width, such as ``0.4s``, ``9.0s`` or ``1m33s``."""
    return f"{int(seconds * 10) / 10:.1f}s" if seconds < _TENTHS_BELOW else duration(seconds)
