"""Order the polls: imports that are not due yet, and due imports waiting for the rate limit."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from watcher.core.fleet.limiter import Limiter
from watcher.core.wait.waiter import Waiter

LAST_POLL_GRACE = 10.0
"""Seconds past its deadline for which an import's last poll may wait for its turn, and after which a request
without a timeout of its own is cancelled."""


@dataclass(slots=True, eq=False)
class ScheduledImport:
    """One import of a fleet; all times are on the monotonic clock in seconds.

    ``fresh`` is whether the next request must use a new connection.
    """

    waiter: Waiter
    due: float = 0.0
    interval: float = 1.0
    deadline: float = math.inf
    in_flight: bool = False
    fresh: bool = False

    def urgency(self, now: float) -> float:
        """Return how late the poll is, in polling intervals; infinite past the deadline."""
        return math.inf if now >= self.deadline else (now - self.due) / self.interval


class Due(NamedTuple):
    """The imports to poll now, in this order, and those to end, because no last poll is possible."""

    to_poll: list[ScheduledImport]
    expired: list[ScheduledImport]


class Agenda:
    """Order the polls of all imports by urgency, within the rate limits."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._due: list[ScheduledImport] = []
        self._sleeping: list[tuple[float, int, ScheduledImport]] = []
        self._order = count()  # of imports that are due at the same time

    def schedule(self, scheduled: ScheduledImport) -> None:
        """Add an import until it is due."""
        heapq.heappush(self._sleeping, (scheduled.due, next(self._order), scheduled))

    def take_due(self, now: float, capacity: int) -> Due:
        """Remove and return the imports to poll now, the most urgent first.

        An import past its deadline is polled once more, unless the API named a later time. That last poll may
        use requests that are reserved for the account's other users. If the limit is unknown or no request
        can be sent, it waits up to ``LAST_POLL_GRACE`` for its turn.
        """
        self._wake(now)
        to_poll: list[ScheduledImport] = []
        expired: list[ScheduledImport] = []
        if self._due and capacity > 0 and self._limiter.ready_at(now) <= now:
            self._due.sort(key=lambda one: one.urgency(now), reverse=True)  # equals keep their order
            while len(to_poll) < min(capacity, len(self._due)) and self._limiter.ready_at(now) <= now:
                to_poll.append(self._start(self._due[len(to_poll)], now))
            del self._due[: len(to_poll)]
        overdue = [scheduled for scheduled in self._due if now >= scheduled.deadline]
        self._due = [scheduled for scheduled in self._due if now < scheduled.deadline]
        for scheduled in overdue:
            if now >= scheduled.deadline + LAST_POLL_GRACE or self._limiter.allowed_at(now, last=True) > now:
                expired.append(scheduled)
            elif len(to_poll) < capacity and self._limiter.ready_at(now, last=True) <= now:
                to_poll.append(self._start(scheduled, now))
            else:
                self._due.append(scheduled)
        return Due(to_poll, expired)

    def next_wakeup(self, now: float, *, can_send: bool) -> float:
        """Return when the next import needs action if no reply arrives before; infinite if none does."""
        next_due = self._sleeping[0][0] if self._sleeping else math.inf
        if not self._due:
            return next_due
        first_deadline = min(scheduled.deadline for scheduled in self._due)
        if not can_send:  # until a reply arrives
            return min(next_due, first_deadline + LAST_POLL_GRACE)
        if now < first_deadline:
            return min(next_due, first_deadline, self._limiter.ready_at(now))
        return min(next_due, first_deadline + LAST_POLL_GRACE, self._limiter.ready_at(now, last=True))

    def _wake(self, now: float) -> None:
        while self._sleeping and self._sleeping[0][0] <= now:
            self._due.append(heapq.heappop(self._sleeping)[2])
        self._due = [scheduled for scheduled in self._due if not scheduled.waiter.over]

    def _start(self, scheduled: ScheduledImport, now: float) -> ScheduledImport:
        self._limiter.start(now)
        scheduled.in_flight = True
        return scheduled
