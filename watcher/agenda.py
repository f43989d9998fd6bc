"""Who is asked next: the imports that sleep until they are due, and those that are due and wait for room."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.waiter import Waiter


@dataclass(slots=True, eq=False)
class Watched:
    """One import in the loop.

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


class Agenda:
    """Keeps imports in the order in which they are asked for. It is pure: time is handed in.

    Attributes:
        due: Those whose time has come, the most overdue last once they are ranked.
    """

    def __init__(self) -> None:
        self.due: list[Watched] = []
        self._sleeping: list[tuple[float, int, Watched]] = []
        self._sleeps = 0

    @property
    def next_due(self) -> float:
        """When the first of those that sleep is due, on the monotonic clock in seconds."""
        return self._sleeping[0][0] if self._sleeping else math.inf

    @property
    def next_deadline(self) -> float:
        """The first deadline of those that are due."""
        return min((watched.deadline for watched in self.due), default=math.inf)

    def put_to_sleep(self, watched: Watched) -> None:
        """Keeps an import until it is due.

        Args:
            watched: The import.
        """
        self._sleeps += 1  # of those that are due at one moment, the first to fall asleep wakes first
        heapq.heappush(self._sleeping, (watched.due, self._sleeps, watched))

    def wake(self, now: float) -> None:
        """Adds those to ``due`` whose time has come.

        Args:
            now: The monotonic clock in seconds.
        """
        while self._sleeping and self._sleeping[0][0] <= now:
            self.due.append(heapq.heappop(self._sleeping)[2])

    def rank(self, now: float) -> None:
        """Sorts ``due``, and leaves out those whose wait is over.

        Args:
            now: The monotonic clock in seconds.
        """
        self.due = [watched for watched in self.due if not watched.waiter.over]
        self.due.sort(key=lambda watched: watched.overdue(now))

    def take_late(self, now: float) -> list[Watched]:
        """Takes those out of ``due`` whose deadline has come.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            The imports, in the order of ``due``.
        """
        late = [watched for watched in self.due if now >= watched.deadline]
        if late:
            self.due = [watched for watched in self.due if now < watched.deadline]
        return late
