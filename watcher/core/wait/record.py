"""What has been seen of one import so far."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from watcher.core import lifecycle
from watcher.core.events import Progress
from watcher.core.model import Instant, Transition
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from watcher.core.messages.outcomes import LastError
    from watcher.core.model import Import
    from watcher.core.statuses import Status
    from watcher.core.wait.saved import SavedWait


TRANSITIONS_KEPT = 1000
"""The latest ones; an API that wavers for ever must not fill the memory."""


class Record:
    """Counts and remembers; it decides nothing.

    Args:
        started: When the wait began.

    Attributes:
        last: The last answer that showed the import.
        seen_at: When that answer came, in Unix seconds.
        since: When its status was first seen, on the monotonic clock in seconds.
        resumed: When this run took the wait up, on that clock.
        looked: Whether an answer has shown in this run how the import stands; of a wait that begins, nothing
            depends on it.
        trouble: The last error of this run.
    """

    __slots__ = (
        "_last_known",
        "_met",
        "_transitions",
        "errors",
        "last",
        "looked",
        "polls",
        "resumed",
        "seen_at",
        "since",
        "started",
        "throttled",
        "trouble",
    )

    def __init__(self, started: Instant) -> None:
        self.started = started
        self.since = started.monotonic
        self.resumed = started.monotonic
        self.looked = True
        self.last: Import | None = None
        self.seen_at: float | None = None
        self.trouble: LastError | None = None
        self.polls = 0
        self.throttled = 0
        self.errors = 0
        self._transitions: deque[Transition] = deque(maxlen=TRANSITIONS_KEPT)
        self._met: set[Status] = set()
        self._last_known: ImportStatus | None = None

    @classmethod
    def restored(cls, memory: SavedWait, now: Instant) -> Record:
        """Takes up the wait of an earlier run.

        Args:
            memory: What was kept of it; no moment of it lies after ``now``.
            now: The time.

        Returns:
            The record to go on with.
        """
        to_monotonic = now.monotonic - now.unix
        record = cls(Instant(memory.began + to_monotonic, memory.began))
        record.resumed = now.monotonic
        record.looked = False
        record.last = memory.last
        record.polls, record.throttled, record.errors = memory.polls, memory.throttled, memory.errors
        if memory.since is not None:
            record.since = memory.since + to_monotonic
        for transition in memory.transitions:
            record._keep(transition)
        return record

    @property
    def is_final(self) -> bool:
        """Whether the import will never change again."""
        return self.status in lifecycle.FINAL

    @property
    def status(self) -> Status | None:
        """The last status that was seen."""
        return None if self.last is None else self.last.status

    def elapsed(self, now: float) -> float:
        """Tells how long the wait has taken.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            Seconds since the wait began, or from there to the first sight of a final status.
        """
        return max(0.0, self._end(now) - self.started.monotonic)

    def met(self, status: Status) -> bool:
        """Tells whether a status has been seen before.

        Args:
            status: Any status.

        Returns:
            True where a transition led to it.
        """
        return status in self._met

    def see(self, found: Import, now: Instant) -> Transition | None:
        """Takes in the import as an answer showed it.

        Args:
            found: The import.
            now: When the answer came.

        Returns:
            The change of status, where it is one.
        """
        transition = None if found.status == self.status else self._change_to(found.status, now)
        self.last = found
        self.looked = True
        self.seen_at = now.unix
        return transition

    def _change_to(self, status: Status, now: Instant) -> Transition:
        transition = Transition(
            source=self.status,
            to=status,
            at=now,
            elapsed=self.elapsed(now.monotonic),
            in_state=None if self.last is None else max(0.0, now.monotonic - self.since),
            expected=lifecycle.is_expected(self._last_known, status),
        )
        self._keep(transition)
        self.since = now.monotonic
        return transition

    def _keep(self, transition: Transition) -> None:
        self._transitions.append(transition)
        if len(self._met) < TRANSITIONS_KEPT:
            self._met.add(transition.to)
        if isinstance(transition.to, ImportStatus):
            self._last_known = transition.to

    def _end(self, now: float) -> float:
        return self.since if self.is_final else now

    def progress(self, now: float) -> Progress:
        """Tells how far the wait has come.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            A snapshot.
        """
        return Progress(
            status=self.status,
            in_state=None if self.last is None else max(0.0, self._end(now) - self.since),
            elapsed=self.elapsed(now),
            polls=self.polls,
            throttled=self.throttled,
            errors=self.errors,
            last=self.last,
            transitions=tuple(self._transitions),
            seen_at=self.seen_at,
        )
