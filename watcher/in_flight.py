"""The requests in flight: a bounded number at a time, and none for longer than a request may take."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING

from watcher.core.replies import Broken, FaultKind
from watcher.core.text import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from watcher.agenda import Watched
    from watcher.core.model import ImportRef, Instant
    from watcher.core.replies import Answer

    Probe = Callable[[ImportRef], Awaitable[Answer | Broken]]
    _Task = asyncio.Task[tuple[Answer | Broken, Instant]]

MAX_IN_FLIGHT = 100
"""Requests under way at a time; more would wait in the connection pool while their time runs."""

LAST_CALL = 10.0
"""Seconds past an import's deadline at which its request is given up, where a request may take any time, and
for which its last request may wait for room."""


class InFlight:
    """Sends requests and collects what they bring.

    It gives a request up itself when it has taken too long, for it looks at all of them at once: a timer of
    its own for each costs as much as all rules of a poll together.

    Args:
        probe: Asks the API once for an import.
        clock: Reads the time.
        request_timeout: Longest request in seconds; infinite is no limit but the one of ``LAST_CALL``, for a
            request must not outlast its wait for ever.
        on_landing: Called when a request has come to its end.
    """

    def __init__(
        self,
        probe: Probe,
        clock: Callable[[], Instant],
        request_timeout: float,
        on_landing: Callable[[], None],
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._request_timeout = request_timeout
        self._tasks: dict[_Task, Watched] = {}
        self._on_landing = on_landing
        self._landed: deque[tuple[Watched, _Task]] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another request may be sent."""
        return len(self._tasks) < MAX_IN_FLIGHT

    @property
    def next_limit(self) -> float:
        """When the next of them is given up, on the monotonic clock in seconds."""
        limits = (self._limit(watched) for task, watched in self._tasks.items() if not task.cancelling())
        return min(limits, default=math.inf)

    @property
    def has_landed(self) -> bool:
        """Whether one has come to its end and is not taken yet."""
        return bool(self._landed)

    def send(self, watched: Watched, now: float) -> None:
        """Sends a request.

        Args:
            watched: The import to ask for; no other request for it is in flight.
            now: The monotonic clock in seconds.
        """
        watched.asked_at = now
        watched.in_flight = True
        task = asyncio.create_task(self._ask(watched.waiter.ref))
        self._tasks[task] = watched
        task.add_done_callback(self._land)

    def give_up_late(self, now: float) -> None:
        """Gives up those that have taken too long; they land as faults.

        Args:
            now: The monotonic clock in seconds.
        """
        for task, watched in self._tasks.items():
            if now >= self._limit(watched) and not task.cancelling():
                task.cancel()

    def land(self) -> Iterator[tuple[Watched, Answer | Broken, Instant]]:
        """Takes what has come, in the order in which it came.

        Yields:
            The import, what its request brought, and when it did.
        """
        while self._landed:
            watched, task = self._landed.popleft()
            watched.in_flight = False
            if task.cancelled():
                yield watched, self._given_up(), self._clock()
            else:
                yield watched, *task.result()

    async def close(self) -> None:
        """Gives up all of them."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, ref: ImportRef) -> tuple[Answer | Broken, Instant]:
        return await self._probe(ref), self._clock()

    def _land(self, task: _Task) -> None:
        self._landed.append((self._tasks.pop(task), task))
        self._on_landing()

    def _limit(self, watched: Watched) -> float:
        if math.isfinite(self._request_timeout):
            return watched.asked_at + self._request_timeout
        return max(watched.deadline, watched.asked_at) + LAST_CALL

    def _given_up(self) -> Broken:
        if math.isfinite(self._request_timeout):
            within = duration(self._request_timeout)
            return Broken(FaultKind.NETWORK, f"no whole answer came within {within}")
        return Broken(FaultKind.NETWORK, "no answer came by the end of the wait")
