"""Requests in flight: a bounded number at a time, each with a timeout."""

from __future__ import annotations

import asyncio
import math
import resource
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass

from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.fleet.agenda import LAST_POLL_GRACE, Poll
from watcher.core.messages import faults
from watcher.core.model import ImportRef, Instant

Probe = Callable[[ImportRef, bool], Coroutine[None, None, Answer | Fault]]
_Task = asyncio.Task[Answer | Fault]


MAX_IN_FLIGHT = 100
"""Maximum number of requests in flight; more would wait for a connection while their timeout runs."""

_RECANCEL_INTERVAL = 0.1
"""Seconds after which a request that timed out is cancelled again: a cancellation can be lost while
connections to several addresses are tried at once."""

_STALL = 0.5
"""Seconds by which a timeout can be late only if the whole process was paused."""

_GRACE = 1.0
"""Extra seconds for a request after such a pause: its response may have arrived, but not been read."""

_RESERVED_FILES = 40
"""File descriptors for everything else: standard streams, reports, state file, and Python itself."""


@dataclass(slots=True)
class _Request:
    """A request in flight; times are on the monotonic clock in seconds."""

    poll: Poll
    sent_at: float
    give_up_at: float
    is_overdue: bool = False


class InFlight:
    """The requests in flight, each cancelled if it takes too long.

    One timer serves all requests: one per request took a tenth of the CPU time of a poll at saturation. It
    also runs while the consumer is busy, so timeouts are exact. ``clock`` is that of the running loop.
    ``probe`` sends one request for an import, on a new connection if its second argument is true.
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
        self._requests: dict[_Task, _Request] = {}
        self._finished: deque[tuple[_Request, _Task, Instant]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def capacity(self) -> int:
        """How many more requests may be sent."""
        return self._limit - len(self._requests)

    @property
    def next_timeout(self) -> float:
        """When the next request times out, on the monotonic clock in seconds; infinite if there is none."""
        return min((request.give_up_at for request in self._requests.values()), default=math.inf)

    def send(self, poll: Poll) -> None:
        """Send a request for an import that has none in flight."""
        sent_at = self._clock().monotonic
        give_up_at = self._timeout_of(poll, sent_at)
        task = asyncio.create_task(self._probe(poll.ref, poll.fresh))
        self._requests[task] = _Request(poll, sent_at, give_up_at)
        task.add_done_callback(self._finish)
        if self._timer is None or give_up_at < self._timer.when():
            self._set_timer(give_up_at)

    def cancel(self, poll: Poll) -> None:
        """Cancel a request whose response is no longer needed."""
        for request in self._requests.values():
            if request.poll is poll:
                request.give_up_at = self._clock().monotonic
                self._set_timer(request.give_up_at)

    def collect(self) -> Iterator[tuple[Poll, Answer | Fault, float, Instant]]:
        """Yield poll, response, sending time and arrival of each finished request, in order of arrival."""
        while self._finished:
            request, task, arrived = self._finished.popleft()
            answer = self._timeout_fault() if task.cancelled() else task.result()
            yield request.poll, answer, request.sent_at, arrived

    async def close(self) -> None:
        """Cancel all requests and wait until they have ended."""
        self._set_timer(math.inf)
        tasks = list(self._requests)
        while self._requests:
            for task in self._requests:
                task.cancel()
            await asyncio.wait(self._requests, timeout=_RECANCEL_INTERVAL)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._finished.clear()

    def _timeout_of(self, poll: Poll, sent_at: float) -> float:
        """Return when a request times out; without a timeout of its own, soon after the end of its wait."""
        if math.isfinite(self._request_timeout):
            return sent_at + self._request_timeout
        return max(poll.deadline, sent_at) + LAST_POLL_GRACE

    def _finish(self, task: _Task) -> None:
        if not task.cancelled():
            task.exception()  # else asyncio logs it if nothing collects the result
        self._finished.append((self._requests.pop(task), task, self._clock()))
        self._on_finished()

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(moment, self._cancel_expired) if math.isfinite(moment) else None

    def _cancel_expired(self) -> None:
        now = self._clock().monotonic
        for task, request in self._requests.items():
            if now < request.give_up_at:
                continue
            if not request.is_overdue and now >= request.give_up_at + _STALL:
                request.give_up_at = now + _GRACE
            else:
                task.cancel()
                request.give_up_at = now + _RECANCEL_INTERVAL
            request.is_overdue = True
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
