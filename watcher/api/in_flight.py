"""Requests in flight: a bounded number at a time, each with a timeout."""

from __future__ import annotations

import asyncio
import math
import resource
from collections import deque
from collections.abc import Callable, Coroutine, Iterator

from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.fleet.agenda import LAST_POLL_GRACE, ScheduledImport
from watcher.core.messages import faults
from watcher.core.model import ImportRef, Instant

Probe = Callable[[ImportRef, bool], Coroutine[None, None, Answer | Fault]]
_Task = asyncio.Task[Answer | Fault]


MAX_IN_FLIGHT = 100
"""Maximum number of requests in flight; more would wait for a connection while their timeout runs."""

_RECANCEL_INTERVAL = 0.1
"""Seconds after which a request that timed out is cancelled again: a cancellation can get lost while
connections to several addresses race."""

_STALL = 0.5
"""Seconds by which a timeout can be late only if the whole process was paused."""

_GRACE = 1.0
"""Seconds that a request gets once after such a pause: its response may have arrived, but not been read."""

_RESERVED_FILES = 40
"""File descriptors for everything else: standard streams, reports, state file, and Python itself."""


class InFlight:
    """The requests in flight, each cancelled if it takes too long.

    One timer serves all requests: one per request took a tenth of the CPU time of a poll at saturation. It
    runs even if nobody collects, so a slow consumer does not prolong a request.

    Args:
        probe: Sends one request for an import, on a new connection if the second argument is true.
        clock: Returns the time; its monotonic part is the running loop's.
        request_timeout: Longest request in seconds.
        on_finished: Called when a request has finished.
    """

    def __init__(
        self,
        probe: Probe,
        clock: Callable[[], Instant],
        request_timeout: float,
        on_finished: Callable[[], None],
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._request_timeout = request_timeout
        self._on_finished = on_finished
        self._limit = _request_limit()
        self._requests: dict[_Task, ScheduledImport] = {}
        self._finished: deque[tuple[ScheduledImport, _Task, Instant]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def capacity(self) -> int:
        """How many more requests may be sent."""
        return self._limit - len(self._requests)

    @property
    def has_finished(self) -> bool:
        """Whether a finished request has not been collected yet."""
        return bool(self._finished)

    @property
    def next_timeout(self) -> float:
        """When the next request times out, on the monotonic clock in seconds; infinite if there is none."""
        return min((watched.give_up_at for watched in self._requests.values()), default=math.inf)

    def send(self, watched: ScheduledImport) -> None:
        """Send a request for an import that has none in flight."""
        watched.asked_at = self._clock().monotonic
        watched.give_up_at = self._timeout_of(watched)
        task = asyncio.create_task(self._probe(watched.waiter.ref, watched.fresh))
        self._requests[task] = watched
        task.add_done_callback(self._finish)
        if self._timer is None or watched.give_up_at < self._timer.when():
            self._set_timer(watched.give_up_at)

    def collect(self) -> Iterator[tuple[ScheduledImport, Answer | Fault, Instant]]:
        """Yield import, response and arrival time of each finished request, in order of arrival."""
        while self._finished:
            watched, task, arrived = self._finished.popleft()
            yield watched, self._timeout_fault() if task.cancelled() else task.result(), arrived

    async def close(self) -> None:
        """Cancel all requests and wait until they have ended."""
        self._set_timer(math.inf)
        tasks = list(self._requests)
        while self._requests:
            for task in self._requests:
                task.cancel()
            await asyncio.wait(self._requests, timeout=_RECANCEL_INTERVAL)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _timeout_of(self, watched: ScheduledImport) -> float:
        """Return when a request times out; without a timeout of its own, soon after the end of its wait."""
        if math.isfinite(self._request_timeout):
            return watched.asked_at + self._request_timeout
        return max(watched.deadline, watched.asked_at) + LAST_POLL_GRACE

    def _finish(self, task: _Task) -> None:
        self._finished.append((self._requests.pop(task), task, self._clock()))
        self._on_finished()

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(moment, self._give_up_late) if math.isfinite(moment) else None

    def _give_up_late(self) -> None:
        now = self._clock().monotonic
        for task, watched in self._requests.items():
            if now < watched.give_up_at:
                continue
            is_first = watched.give_up_at == self._timeout_of(watched)
            if is_first and now >= watched.give_up_at + _STALL:
                watched.give_up_at = now + _GRACE
            else:
                task.cancel()
                watched.give_up_at = now + _RECANCEL_INTERVAL
        self._set_timer(self.next_timeout)

    def _timeout_fault(self) -> Fault:
        if math.isfinite(self._request_timeout):
            return Fault(FaultKind.NETWORK, faults.response_timeout(self._request_timeout))
        return Fault(FaultKind.NETWORK, faults.NO_RESPONSE_BEFORE_END)


def _request_limit() -> int:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_IN_FLIGHT
    return min(MAX_IN_FLIGHT, max(1, allowed - _RESERVED_FILES))
