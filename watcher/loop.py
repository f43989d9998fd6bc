"""The loop: asks for every import when it is due, and yields what happens. The one place that sleeps."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from watcher.core.events import Changed, Ended, Event, Heartbeat, MetUnknownStatus, Watching
from watcher.core.memory import Past
from watcher.core.model import Instant
from watcher.core.rate_limits import RateLimits, read_rate_limits
from watcher.core.replies import Answer, Broken, FaultKind, decode
from watcher.core.statuses import Outcome
from watcher.core.steps import Arrival
from watcher.core.waiter import Waiter
from watcher.pacing import Limiter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
    from random import Random

    from watcher.core.events import Progress
    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy
    from watcher.core.rate_limits import Hold
    from watcher.core.replies import Reply
    from watcher.core.steps import Step

    Probe = Callable[[ImportRef], Awaitable[Answer | Broken]]
    Keep = Callable[[Sequence[Event], Hold | None, Instant], None]

MAX_UNDER_WAY = 100
"""Requests under way at a time; more would wait in the connection pool while their timeout runs."""

LAST_CALL = 10.0
"""Seconds past its deadline for which an import of a large fleet may wait for room for its last request."""

_NO_PAST = Past()
_TELLS = (Watching, Changed, MetUnknownStatus, Heartbeat, Ended)


def system_clock() -> Instant:
    """Reads the running loop's clock and the wall clock.

    Returns:
        The time.
    """
    return Instant(asyncio.get_running_loop().time(), time.time())


@dataclass(frozen=True, slots=True)
class Terms:
    """How imports are watched together.

    Attributes:
        policy: The rules of each wait.
        succeeds: Whether an outcome counts as success.
        any_suffices: End the watch at the first success.
        fail_fast: End the watch at the first failure.
        heartbeat: Longest silence in seconds.
        request_timeout: Longest request in seconds, which the probe itself sees to; where one may take any
            time, the last one is given up ``LAST_CALL`` after its deadline, for it must not outlast the wait
            for ever.
    """

    policy: Policy
    succeeds: Callable[[Outcome], bool]
    any_suffices: bool = False
    fail_fast: bool = False
    heartbeat: float = math.inf
    request_timeout: float = math.inf


@dataclass(slots=True, eq=False)
class _Watched:
    """One import in the loop.

    Attributes:
        due: When to ask next, on the monotonic clock in seconds.
        interval: The polling schedule's interval.
        deadline: When its wait must be judged.
        request: The request under way.
    """

    waiter: Waiter
    due: float = 0.0
    interval: float = 1.0
    deadline: float = math.inf
    request: asyncio.Task[tuple[Reply, RateLimits, Arrival]] | None = None

    def overdue(self, now: float) -> float:
        """Tells how late it is in intervals of its own; at its deadline nothing goes before it."""
        return math.inf if now >= self.deadline else (now - self.due) / self.interval


class Watch:
    """Watches imports of one base URI to their end.

    Args:
        refs: The imports, each once.
        terms: How they are watched.
        probe: Asks the API once for an import.
        random: The source of jitter.
        clock: Reads the time; its monotonic part is the running loop's.
        past: What an earlier run left.
        keep: Keeps what a later run needs, before any of it is told: events that came together, and the
            present stretch without requests.

    Attributes:
        wakes_at: The moment, on the monotonic clock in seconds, by which it means to go on.
    """

    def __init__(
        self,
        refs: Sequence[ImportRef],
        terms: Terms,
        probe: Probe,
        random: Random,
        clock: Callable[[], Instant] = system_clock,
        *,
        past: Past = _NO_PAST,
        keep: Keep | None = None,
    ) -> None:
        self._refs = refs
        self._terms = terms
        self._probe = probe
        self._random = random
        self._clock = clock
        self._past = past
        self._keep = keep
        self._limiter = Limiter(random)
        self._unfinished: dict[ImportRef, _Watched] = {}
        self._sleeping: list[tuple[float, int, _Watched]] = []
        self._ready: list[_Watched] = []
        self._requests: set[asyncio.Task[tuple[Reply, RateLimits, Arrival]]] = set()
        self._arrived: deque[_Watched] = deque()
        self._wake = asyncio.Event()
        self._signal: int | None = None
        self._sleeps = 0
        self._told_at = 0.0
        self.wakes_at = math.inf

    def interrupt(self, signal: int) -> None:
        """Ends the watch soon, every unfinished import as interrupted; called in the loop's thread.

        Args:
            signal: The number of the signal.
        """
        self._signal = signal
        self._wake.set()

    def standing(self, ref: ImportRef) -> Heartbeat | None:
        """Tells how an import stands now, between events; called in the loop's thread.

        Args:
            ref: The import.

        Returns:
            What a heartbeat would tell; None before its wait has begun and after it has ended.
        """
        watched = self._unfinished.get(ref)
        return None if watched is None else self._heartbeat(watched, self._clock())

    def progress(self) -> dict[ImportRef, Progress]:
        """Tells how far the waits have come that still go on; called in the loop's thread.

        Returns:
            A snapshot of each; a poll that brought no news makes no event, and shows here only.
        """
        now = self._clock()
        return {ref: watched.waiter.progress(now) for ref, watched in self._unfinished.items()}

    async def events(self) -> AsyncGenerator[Event, None]:
        """Watches until every import's wait has ended.

        Yields:
            What happens, as it happens; the last are the ends of imports.
        """
        try:
            for event in self._kept(self._begin()):
                yield event
            while self._unfinished:
                for event in self._kept(self._turn()):
                    yield event
                await self._sleep()
        finally:
            for request in self._requests:
                request.cancel()
            await asyncio.gather(*self._requests, return_exceptions=True)

    def _kept(self, happening: Iterator[Event]) -> Iterator[Event]:
        """Has all that happens at once kept before the first of it is told."""
        if self._keep is None:
            return happening
        events = list(happening)
        self._keep(events, self._limiter.hold, self._clock())
        return iter(events)

    def _begin(self) -> Iterator[Event]:
        now = self._clock()
        self._told_at = now.monotonic
        if self._past.hold is not None:
            self._limiter.hold = self._past.hold.restored(now)
        for ref in self._refs:
            memory = self._past.waits.get(ref)
            watched = _Watched(Waiter(ref, self._terms.policy, now, self._random, memory))
            self._unfinished[ref] = watched
            yield from self._follow(watched, watched.waiter.begin(now), now)
        for watched in self._each_unfinished():
            yield from self._follow(watched, watched.waiter.recall(self._limiter.hold, now), now)

    def _turn(self) -> Iterator[Event]:
        """Does all that can be done now, without waiting."""
        while self._arrived:
            yield from self._take_arrival(self._arrived.popleft())
        now = self._clock()
        if self._signal is not None:
            for watched in self._each_unfinished():
                yield from self._follow(watched, watched.waiter.interrupt(self._signal, now), now)
            return
        yield from self._ask_due(now)
        if self._unfinished and now.monotonic >= self._told_at + self._terms.heartbeat:
            self._told_at = now.monotonic
            yield self._heartbeat(next(iter(self._unfinished.values())), now)

    def _heartbeat(self, watched: _Watched, now: Instant) -> Heartbeat:
        waiter = watched.waiter
        moment = max(watched.due, self._limiter.ready_at(now.monotonic), now.monotonic)
        known = watched.request is None and math.isfinite(moment)
        next_poll = moment - now.monotonic if known else None
        waiting = len(self._unfinished)
        return Heartbeat(waiter.ref, now, waiter.progress(now), waiting, waiter.trouble(now), next_poll)

    def _take_arrival(self, watched: _Watched) -> Iterator[Event]:
        request, watched.request = watched.request, None
        if request is None or request.cancelled():
            return  # the whole watch has ended
        reply, limits, arrival = request.result()
        now = arrival.now
        hold = self._limiter.observe(reply, limits, arrival.asked_at, now.monotonic)
        if watched.waiter.over:
            return
        yield from self._follow(
            watched, watched.waiter.receive(reply, Arrival(arrival.asked_at, now, hold)), now
        )
        shared = self._limiter.hold
        if shared is not None and shared.named and shared.until > now.monotonic:
            for other in self._each_unfinished():
                if other.request is None and shared.until > other.deadline:
                    yield from self._follow(other, other.waiter.refuse(shared, now), now)

    def _ask_due(self, now: Instant) -> Iterator[Event]:
        moment = now.monotonic
        while self._sleeping and self._sleeping[0][0] <= moment:
            self._ready.append(heapq.heappop(self._sleeping)[2])
        if self._has_room() and self._limiter.ready_at(moment) <= moment:
            self._ready = [watched for watched in self._ready if not watched.waiter.over]
            self._ready.sort(key=lambda watched: watched.overdue(moment))
            while self._ready and self._has_room() and self._limiter.ready_at(moment) <= moment:
                self._ask(self._ready.pop())
        yield from self._take_last_looks(now)

    def _take_last_looks(self, now: Instant) -> Iterator[Event]:
        """Sees to imports whose deadline has come: each has one more look, or ends without."""
        moment = now.monotonic
        late = [watched for watched in self._ready if moment >= watched.deadline]
        if not late:
            return
        self._ready = [watched for watched in self._ready if moment < watched.deadline]
        held = self._limiter.ready_at(moment, last=True) > moment
        for watched in late:
            if watched.waiter.over:
                continue
            if held or moment >= watched.deadline + LAST_CALL:
                yield from self._follow(watched, watched.waiter.refuse(self._limiter.hold, now), now)
            elif self._has_room():
                self._ask(watched)
                held = self._limiter.ready_at(moment, last=True) > moment
            else:
                self._ready.append(watched)

    def _has_room(self) -> bool:
        return len(self._requests) < MAX_UNDER_WAY

    def _ask(self, watched: _Watched) -> None:
        self._limiter.start()
        latest = max(watched.deadline, self._clock().monotonic) + LAST_CALL
        watched.request = asyncio.create_task(self._exchange(watched.waiter.ref, latest))
        self._requests.add(watched.request)
        watched.request.add_done_callback(partial(self._arrive, watched))

    def _arrive(self, watched: _Watched, request: asyncio.Task[tuple[Reply, RateLimits, Arrival]]) -> None:
        self._requests.discard(request)
        self._arrived.append(watched)
        self._wake.set()

    async def _exchange(self, ref: ImportRef, latest: float) -> tuple[Reply, RateLimits, Arrival]:
        asked_at = self._clock().monotonic
        answer: Answer | Broken
        if math.isfinite(self._terms.request_timeout) or math.isinf(latest):
            answer = await self._probe(ref)
        else:
            try:
                async with asyncio.timeout_at(latest):
                    answer = await self._probe(ref)
            except TimeoutError:
                answer = Broken(FaultKind.NETWORK, "no answer came by the end of the wait")
        now = self._clock()
        arrival = Arrival(asked_at, now)
        if isinstance(answer, Broken):
            return answer, RateLimits(), arrival
        return decode(ref, answer), read_rate_limits(answer.headers, now.unix), arrival

    def _follow(self, watched: _Watched, step: Step | None, now: Instant) -> Iterator[Event]:
        """Tells what a step says and does what follows from it."""
        if step is None:
            return
        for event in step.events:
            if isinstance(event, _TELLS):
                self._told_at = now.monotonic
            if isinstance(event, Ended):
                del self._unfinished[event.ref]
                if watched.request is not None:
                    watched.request.cancel()
            yield event
            if isinstance(event, Ended) and not event.left_behind and self._decides(event.outcome):
                for other in self._each_unfinished():
                    yield from self._follow(other, other.waiter.abandon(event.ref, now), now)
        if step.wake_at is not None:
            watched.due = step.wake_at
            watched.interval = step.interval
            watched.deadline = watched.waiter.deadline
            self._sleeps += 1
            heapq.heappush(self._sleeping, (watched.due, self._sleeps, watched))

    def _each_unfinished(self) -> Iterator[_Watched]:
        """Goes over the imports while their ends may end others."""
        for watched in list(self._unfinished.values()):
            if not watched.waiter.over:
                yield watched

    def _decides(self, outcome: Outcome) -> bool:
        if outcome is Outcome.INTERRUPTED:
            return False
        return self._terms.any_suffices if self._terms.succeeds(outcome) else self._terms.fail_fast

    async def _sleep(self) -> None:
        if self._arrived or self._signal is not None or not self._unfinished:
            return
        moments = [self._told_at + self._terms.heartbeat]
        if self._sleeping:
            moments.append(self._sleeping[0][0])
        if self._ready and not self._has_room():  # an arrival makes room
            moments.append(min(watched.deadline for watched in self._ready) + LAST_CALL)
        elif self._ready:
            moments.append(self._limiter.ready_at(self._clock().monotonic))
            moments.append(min(watched.deadline for watched in self._ready))
        soonest = min(moments)
        self.wakes_at = soonest
        self._wake.clear()
        try:
            async with asyncio.timeout_at(soonest if math.isfinite(soonest) else None):
                await self._wake.wait()
        except TimeoutError:
            return
