"""The requests in flight: a bounded number at a time, and none for longer than a request may take."""

from __future__ import annotations

import asyncio
import math
import resource
from collections import deque
from typing import TYPE_CHECKING

from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.fleet.agenda import LAST_POLL_GRACE
from watcher.core.text import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from watcher.core.answers.replies import Answer
    from watcher.core.fleet.agenda import ScheduledImport
    from watcher.core.model import ImportRef, Instant

    Probe = Callable[[ImportRef], Coroutine[None, None, Answer | Fault]]
    _Task = asyncio.Task[Answer | Fault]

MAX_IN_FLIGHT = 100
"""Requests under way at a time; more would wait in the connection pool while their time runs."""

_INSISTENCE = 0.1
"""Seconds after which a request that was given up is cancelled once more: a cancellation can get lost where
attempts to connect to several addresses race."""

_PAUSE = 0.5
"""Seconds by which the moment to give up can be missed only because the process stood still."""

_GRACE = 1.0
"""Seconds for which an answer is then waited for, once: it may have come meanwhile, and not been read."""

_OTHER_FILES = 40
"""Descriptors for all that is no request: standard streams, reports, state, and what Python itself needs."""


class InFlight:
    """Sends requests, gives those up that take too long, and collects what all of them bring.

    It has one timer for all of them: one for each was a tenth of what a poll costs at saturation. The timer
    runs whether anybody collects or not, so a slow consumer makes no request longer.

    Args:
        probe: Asks the API once for an import.
        clock: Reads the time; its monotonic part is the running loop's.
        request_timeout: Longest request in seconds; if infinite, ``LAST_POLL_GRACE`` still limits it.
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
        self._on_landing = on_landing
        self._most = _most_in_flight()
        self._tasks: dict[_Task, ScheduledImport] = {}
        self._given_time: set[_Task] = set()
        self._landed: deque[tuple[ScheduledImport, _Task, Instant]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def room(self) -> int:
        """How many more requests may be sent."""
        return self._most - len(self._tasks)

    @property
    def has_landed(self) -> bool:
        """Whether one has come to its end and is not taken yet."""
        return bool(self._landed)

    @property
    def lands_by(self) -> float:
        """By when the next one lands, or is cancelled, on the monotonic clock in seconds."""
        return min((watched.give_up_at for watched in self._tasks.values()), default=math.inf)

    def send(self, watched: ScheduledImport) -> None:
        """Sends a request.

        Args:
            watched: The import to ask for; no other request for it is in flight.
        """
        now = self._clock().monotonic
        watched.asked_at = now
        if math.isfinite(self._request_timeout):
            watched.give_up_at = now + self._request_timeout
        else:
            watched.give_up_at = max(watched.deadline, now) + LAST_POLL_GRACE
        task = asyncio.create_task(self._probe(watched.waiter.ref))
        self._tasks[task] = watched
        task.add_done_callback(self._land)
        if self._timer is None or watched.give_up_at < self._timer.when():
            self._set_timer(watched.give_up_at)

    def land(self) -> Iterator[tuple[ScheduledImport, Answer | Fault, Instant]]:
        """Takes what has come, in the order in which it came.

        Yields:
            The import, what its request brought, and when it did.
        """
        while self._landed:
            watched, task, arrived = self._landed.popleft()
            # A cancelled one was given up; where the process had paused, before it could begin.
            yield watched, self._given_up() if task.cancelled() else task.result(), arrived

    async def close(self) -> None:
        """Gives up all of them."""
        self._set_timer(math.inf)
        tasks = list(self._tasks)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=_INSISTENCE)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, task: _Task) -> None:
        self._given_time.discard(task)
        self._landed.append((self._tasks.pop(task), task, self._clock()))
        self._on_landing()

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(moment, self._give_up_late) if math.isfinite(moment) else None

    def _give_up_late(self) -> None:
        now = self._clock().monotonic
        for task, watched in self._tasks.items():
            if now < watched.give_up_at:
                continue
            if now >= watched.give_up_at + _PAUSE and task not in self._given_time:
                watched.give_up_at = now + _GRACE
            else:
                task.cancel()
                watched.give_up_at = now + _INSISTENCE
            self._given_time.add(task)
        self._set_timer(self.lands_by)

    def _given_up(self) -> Fault:
        if math.isfinite(self._request_timeout):
            within = duration(self._request_timeout)
            return Fault(FaultKind.NETWORK, f"no whole answer came within {within}")
        return Fault(FaultKind.NETWORK, "no answer came by the end of the wait")


def _most_in_flight() -> int:
    """Leaves room for the reports where a process may have few files open, for each request is one."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_IN_FLIGHT
    return min(MAX_IN_FLIGHT, max(1, allowed - _OTHER_FILES))
