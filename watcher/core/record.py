"""What has been seen of one import so far."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from watcher.core import lifecycle
from watcher.core.events import Progress
from watcher.core.model import ImportStatus, Transition

if TYPE_CHECKING:
    from watcher.core.explain import Trouble
    from watcher.core.model import Import, Instant, Status


TRANSITIONS_KEPT = 1000
"""The latest ones; an API that wavers for ever must not fill the memory."""


class Record:
    """Counts and remembers; it decides nothing.

    Args:
        started: When the wait began.

    Attributes:
        last: The last answer that showed the import.
        since: When its status was first seen, on the monotonic clock in seconds.
        trouble: The last error of the whole wait.
    """

    __slots__ = (
        "_last_known",
        "_met",
        "_transitions",
        "errors",
        "last",
        "polls",
        "since",
        "started",
        "throttled",
        "trouble",
    )

    def __init__(self, started: Instant) -> None:
        self.started = started
        self.since = started.monotonic
        self.last: Import | None = None
        self.trouble: Trouble | None = None
        self.polls = 0
        self.throttled = 0
        self.errors = 0
        self._transitions: deque[Transition] = deque(maxlen=TRANSITIONS_KEPT)
        self._met: set[Status] = set()
        self._last_known: ImportStatus | None = None

    @property
    def status(self) -> Status | None:
        """The last status that was seen."""
        return None if self.last is None else self.last.status

    def elapsed(self, now: float) -> float:
        """Tells how long the wait has taken.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            Seconds since the wait began.
        """
        return max(0.0, now - self.started.monotonic)

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
        source = self.status
        in_state = None if source is None else max(0.0, now.monotonic - self.since)
        self.last = found
        if found.status == source:
            return None
        transition = Transition(
            source=source,
            to=found.status,
            at=now,
            elapsed=self.elapsed(now.monotonic),
            in_state=in_state,
            expected=lifecycle.is_expected(self._last_known, found.status),
        )
        self._transitions.append(transition)
        if len(self._met) < TRANSITIONS_KEPT:
            self._met.add(found.status)
        if isinstance(found.status, ImportStatus):
            self._last_known = found.status
        self.since = now.monotonic
        return transition

    def progress(self, now: float) -> Progress:
        """Tells how far the wait has come.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            A snapshot.
        """
        return Progress(
            status=self.status,
            in_state=None if self.last is None else max(0.0, now - self.since),
            elapsed=self.elapsed(now),
            polls=self.polls,
            throttled=self.throttled,
            errors=self.errors,
            last=self.last,
            transitions=tuple(self._transitions),
        )
