"""The observations of one import so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from watcher.core import lifecycle
from watcher.core.events import Progress
from watcher.core.model import Instant, Transition
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from watcher.core.model import Import
    from watcher.core.statuses import Status
    from watcher.core.wait.saved import SavedWait

TRANSITIONS_KEPT = 1000
"""Number of latest transitions to keep, so that a status that alternates forever does not fill the memory."""


class LastError(NamedTuple):
    """The last error of a wait, and when it occurred on the monotonic clock in seconds."""

    detail: str
    at: float


@dataclass(slots=True)
class Counts:
    """Numbers of requests: all, those answered with 429, and those that failed in another way."""

    polls: int = 0
    throttled: int = 0
    errors: int = 0


@dataclass(slots=True)
class _History:
    transitions: deque[Transition] = field(default_factory=lambda: deque(maxlen=TRANSITIONS_KEPT))
    statuses: set[Status] = field(default_factory=set)
    last_known: ImportStatus | None = None

    def add(self, transition: Transition) -> None:
        self.transitions.append(transition)
        if len(self.statuses) < TRANSITIONS_KEPT:
            self.statuses.add(transition.to)
        if isinstance(transition.to, ImportStatus):
            self.last_known = transition.to


class Record:
    """Counts and observations; decides nothing.

    Args:
        started: When the wait began.

    Attributes:
        since: When the present status was first observed, on the monotonic clock in seconds.
        stale_since: When this run resumed the wait, on that clock, until a response has shown how the import
            is now; None for a new wait.
        last: The last response that showed the import.
        seen_at: When that response arrived, in Unix seconds.
        last_error: The last error of this run.
        counts: Numbers of requests.
    """

    __slots__ = ("_history", "counts", "last", "last_error", "seen_at", "since", "stale_since", "started")

    def __init__(self, started: Instant) -> None:
        self.started = started
        self.since = started.monotonic
        self.stale_since: float | None = None
        self.last: Import | None = None
        self.seen_at: float | None = None
        self.last_error: LastError | None = None
        self.counts = Counts()
        self._history = _History()

    @classmethod
    def restored(cls, saved: SavedWait, now: Instant) -> Record:
        """Return the record of a wait that an earlier run saved; no time in it is later than ``now``."""
        to_monotonic = now.monotonic - now.unix
        record = cls(Instant(saved.began + to_monotonic, saved.began))
        record.stale_since = now.monotonic
        record.last = saved.last
        record.counts = Counts(saved.polls, saved.throttled, saved.errors)
        if saved.since is not None:
            record.since = saved.since + to_monotonic
        for transition in saved.transitions:
            record._history.add(transition)
        return record

    @property
    def status(self) -> Status | None:
        """The last observed status."""
        return None if self.last is None else self.last.status

    @property
    def is_final(self) -> bool:
        """Whether the status will never change again."""
        return self.status in lifecycle.FINAL

    def has_seen(self, status: Status) -> bool:
        """Return whether a transition led to this status."""
        return status in self._history.statuses

    def elapsed(self, now: float) -> float:
        """Return the seconds since the wait began, at most to the first observation of a final status."""
        return max(0.0, self._end(now) - self.started.monotonic)

    def observe(self, found: Import, now: Instant) -> Transition | None:
        """Record a response that shows the import; return the transition, if the status has changed."""
        transition = None if found.status == self.status else self._change_to(found.status, now)
        self.last = found
        self.stale_since = None
        self.seen_at = now.unix
        return transition

    def progress(self, now: float) -> Progress:
        """Return a snapshot; ``now`` is on the monotonic clock in seconds."""
        return Progress(
            status=self.status,
            in_state=None if self.last is None else max(0.0, self._end(now) - self.since),
            elapsed=self.elapsed(now),
            polls=self.counts.polls,
            throttled=self.counts.throttled,
            errors=self.counts.errors,
            last=self.last,
            transitions=tuple(self._history.transitions),
            seen_at=self.seen_at,
        )

    def _change_to(self, status: Status, now: Instant) -> Transition:
        transition = Transition(
            source=self.status,
            to=status,
            at=now,
            elapsed=self.elapsed(now.monotonic),
            in_state=None if self.last is None else max(0.0, now.monotonic - self.since),
            expected=lifecycle.is_expected(self._history.last_known, status),
        )
        self._history.add(transition)
        self.since = now.monotonic
        return transition

    def _end(self, now: float) -> float:
        return self.since if self.is_final else now
