"""Who is asked next: the imports that sleep until they are due, and those that are due and wait for room."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from watcher.core.fleet.limiter import Limiter
    from watcher.core.wait.waiter import Waiter

LAST_CALL = 10.0
"""Seconds past an import's deadline at which its request is given up, where a request may take any time, and
for which its last request may wait for its turn."""


@dataclass(slots=True, eq=False)
class Watched:
    """One import of a fleet.

    Attributes:
        waiter: The rules of its wait.
        due: When to ask next, on the monotonic clock in seconds.
        interval: The polling schedule's interval in seconds.
        deadline: When its wait must be judged, on that clock.
        asked_at: When the last request was sent, on that clock.
        give_up_at: When that request is given up, on that clock.
        in_flight: Whether it is still under way.
    """

    waiter: Waiter
    due: float = 0.0
    interval: float = 1.0
    deadline: float = math.inf
    asked_at: float = -math.inf
    give_up_at: float = math.inf
    in_flight: bool = False

    def overdue(self, now: float) -> float:
        """Tells how late it is in intervals of its own; at its deadline nothing goes before it.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            A number that is larger for those who come first.
        """
        return math.inf if now >= self.deadline else (now - self.due) / self.interval


class Due(NamedTuple):
    """What is to be done with imports now.

    Attributes:
        asked: Those to ask for, in that order; a request goes out for each.
        late: Those whose deadline has come, and for whose last look there is no way.
    """

    asked: list[Watched]
    late: list[Watched]


class Agenda:
    """Keeps imports in the order in which they are asked for. It is pure: time is handed in.

    Args:
        limiter: Whether the rate limits allow it.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._due: list[Watched] = []
        self._sleeping: list[tuple[float, int, Watched]] = []
        self._sleeps = 0

    def put_to_sleep(self, watched: Watched) -> None:
        """Keeps an import until it is due.

        Args:
            watched: The import.
        """
        self._sleeps += 1  # of those that are due at one moment, the first to fall asleep wakes first
        heapq.heappush(self._sleeping, (watched.due, self._sleeps, watched))

    def take_due(self, now: float, room: int) -> Due:
        """Takes the imports to ask for now, the most overdue first.

        One whose deadline has come is asked for once more unless a moment that the API named forbids it: for
        that, it may use what of a rate limit is kept back from the others. Where the limit is not known just
        then, or there is no room, it waits a little for its turn.

        Args:
            now: The monotonic clock in seconds.
            room: How many requests may be sent.

        Returns:
            The imports, which the agenda keeps no more.
        """
        self._wake(now)
        asked: list[Watched] = []
        late: list[Watched] = []
        if self._due and room > 0 and self._limiter.ready_at(now) <= now:
            self._rank(now)
            while len(asked) < min(room, len(self._due)) and self._limiter.ready_at(now) <= now:
                asked.append(self._start(self._due[len(asked)], now))
            del self._due[: len(asked)]
        for watched in self._take_expired(now):
            if now >= watched.deadline + LAST_CALL or self._limiter.allowed_at(now, last=True) > now:
                late.append(watched)
            elif len(asked) < room and self._limiter.ready_at(now, last=True) <= now:
                asked.append(self._start(watched, now))
            else:
                self._due.append(watched)
        return Due(asked, late)

    def wakes_at(self, now: float, *, has_room: bool) -> float:
        """Tells when there is something to ask, if no answer comes before.

        Args:
            now: The monotonic clock in seconds.
            has_room: Whether a request may be sent.

        Returns:
            The moment on that clock; infinity where only an answer brings something.
        """
        next_due = self._sleeping[0][0] if self._sleeping else math.inf
        if not self._due:
            return next_due
        first_deadline = min(watched.deadline for watched in self._due)
        if not has_room:  # an answer makes room
            return min(next_due, first_deadline + LAST_CALL)
        if now < first_deadline:
            return min(next_due, first_deadline, self._limiter.ready_at(now))
        return min(next_due, first_deadline + LAST_CALL, self._limiter.ready_at(now, last=True))

    def _wake(self, now: float) -> None:
        while self._sleeping and self._sleeping[0][0] <= now:
            self._due.append(heapq.heappop(self._sleeping)[2])

    def _rank(self, now: float) -> None:
        self._due = [watched for watched in self._due if not watched.waiter.over]
        self._due.sort(key=lambda watched: watched.overdue(now), reverse=True)  # equals keep their order

    def _take_expired(self, now: float) -> list[Watched]:
        expired = [watched for watched in self._due if now >= watched.deadline]
        if expired:
            self._due = [watched for watched in self._due if now < watched.deadline]
        return [watched for watched in expired if not watched.waiter.over]

    def _start(self, watched: Watched, now: float) -> Watched:
        self._limiter.start(now)
        watched.in_flight = True
        return watched
