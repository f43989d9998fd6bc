"""The observations of one import so far."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.core import lifecycle
from watcher.core.events import Progress
from watcher.core.model import Import, Instant, Transition
from watcher.core.statuses import ImportStatus, Status
from watcher.core.wait.saved import SavedWait

TRANSITIONS_KEPT = 1000
"""Number of latest transitions to keep, so that a status that alternates forever does not fill the memory."""


@dataclass(slots=True)
class Requests:
    """Numbers of requests as in ``Progress``, and this run's last error (on the monotonic clock)."""

    polls: int = 0
    throttled: int = 0
    errors: int = 0
    last_error: str | None = None
    error_at: float = 0.0


class Record:
    """Counts and observations; decides nothing.

    Attributes:
        started: When the wait began, on the monotonic clock in seconds.
        since: When the present status was first observed, on that clock.
        stale_since: When this run resumed the wait, on that clock, until a response has shown how the import
            is now; None if the wait has no saved state.
        transitions: A tuple, because all progress reports of an import share it.
    """

    __slots__ = ("last", "requests", "seen_at", "since", "stale_since", "started", "transitions")

    def __init__(self, started: float) -> None:
        self.started = started
        self.since = started
        self.stale_since: float | None = None
        self.last: Import | None = None
        self.seen_at: float | None = None
        self.requests = Requests()
        self.transitions: tuple[Transition, ...] = ()

    @classmethod
    def restored(cls, saved: SavedWait, now: Instant) -> Record:
        """Return the record of a wait that an earlier run saved."""
        to_monotonic = now.monotonic - now.unix
        record = cls(saved.began + to_monotonic)
        record.stale_since = now.monotonic
        record.last = saved.last
        record.requests = Requests(saved.polls, saved.throttled, saved.errors)
        record.transitions = saved.transitions
        if saved.since is not None:
            record.since = saved.since + to_monotonic
        return record

    @property
    def status(self) -> Status | None:
        """The last observed status."""
        return None if self.last is None else self.last.status

    def has_seen(self, status: Status) -> bool:
        """Return whether one of the transitions led to this status."""
        return any(transition.to == status for transition in self.transitions)

    def elapsed(self, now: float) -> float:
        """Return the seconds since the wait began, at most to the first observation of a final status."""
        return max(0.0, self._end(now) - self.started)

    def record_failure(self, detail: str, now: Instant, *, throttled: bool = False) -> None:
        """Record a request that failed, with 429 or in another way."""
        if throttled:
            self.requests.throttled += 1
        else:
            self.requests.errors += 1
        self.requests.last_error = detail
        self.requests.error_at = now.monotonic

    def observe(self, found: Import, now: Instant) -> Transition | None:
        """Record a response that shows the import; return the transition, if the status has changed."""
        transition = None if found.status == self.status else self._change_to(found.status, now)
        self.last = found
        self.stale_since = None
        self.seen_at = now.unix
        return transition

    def progress(self, now: Instant) -> Progress:
        """Return a snapshot."""
        return Progress(
            status=self.status,
            in_state=self._in_state(now.monotonic),
            elapsed=self.elapsed(now.monotonic),
            polls=self.requests.polls,
            throttled=self.requests.throttled,
            errors=self.requests.errors,
            last=self.last,
            transitions=self.transitions,
            seen_at=self.seen_at,
        )

    def _change_to(self, status: Status, now: Instant) -> Transition:
        known = (seen.to for seen in reversed(self.transitions) if isinstance(seen.to, ImportStatus))
        transition = Transition(
            source=self.status,
            to=status,
            at=now,
            elapsed=self.elapsed(now.monotonic),
            in_state=self._in_state(now.monotonic),
            expected=lifecycle.is_expected(next(known, None), status),
        )
        self.transitions = (*self.transitions, transition)[-TRANSITIONS_KEPT:]
        self.since = now.monotonic
        return transition

    def _in_state(self, now: float) -> float | None:
        return None if self.last is None else max(0.0, self._end(now) - self.since)

    def _end(self, now: float) -> float:
        return self.since if self.status in lifecycle.FINAL else now
