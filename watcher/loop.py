"""The loop: asks for every import when it is due, and yields what happens. The one place that sleeps."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.agenda import Agenda, Watched
from watcher.core.decoding import decode
from watcher.core.events import Changed, Ended, Event, Heartbeat, MetUnknownStatus, Watching
from watcher.core.memory import Past
from watcher.core.model import Instant
from watcher.core.rate_limits import RateLimits, read_rate_limits
from watcher.core.replies import Broken
from watcher.core.statuses import Outcome
from watcher.core.steps import Arrival
from watcher.core.waiter import Waiter
from watcher.in_flight import LAST_CALL, InFlight
from watcher.pacing import Limiter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from random import Random

    from watcher.core.events import Progress
    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy
    from watcher.core.rate_limits import Hold
    from watcher.core.replies import Answer, Reply
    from watcher.core.steps import Step
    from watcher.in_flight import Probe

    Keep = Callable[[Sequence[Event], Hold | None, Instant], None]

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
        request_timeout: Longest request in seconds; infinite is no limit.
    """

    policy: Policy
    succeeds: Callable[[Outcome], bool]
    any_suffices: bool = False
    fail_fast: bool = False
    heartbeat: float = math.inf
    request_timeout: float = math.inf


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
        self._random = random
        self._clock = clock
        self._past = past
        self._keep = keep
        self._limiter = Limiter(random)
        self._unfinished: dict[ImportRef, Watched] = {}
        self._agenda = Agenda()
        self._wake = asyncio.Event()
        self._in_flight = InFlight(probe, clock, terms.request_timeout, self._wake.set)
        self._signal: int | None = None
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
            await self._in_flight.close()

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
            watched = Watched(Waiter(ref, self._terms.policy, now, self._random, memory))
            self._unfinished[ref] = watched
            yield from self._follow(watched, watched.waiter.begin(now), now)
        for watched in self._each_unfinished():
            yield from self._follow(watched, watched.waiter.recall(self._limiter.hold, now), now)

    def _turn(self) -> Iterator[Event]:
        """Does all that can be done now, without waiting."""
        for watched, answer, arrived in self._in_flight.land():
            yield from self._take_answer(watched, answer, arrived)
        now = self._clock()
        if self._signal is not None:
            for watched in self._each_unfinished():
                yield from self._follow(watched, watched.waiter.interrupt(self._signal, now), now)
            return
        yield from self._ask_due(now)
        if self._unfinished and now.monotonic >= self._told_at + self._terms.heartbeat:
            self._told_at = now.monotonic
            yield self._heartbeat(next(iter(self._unfinished.values())), now)

    def _heartbeat(self, watched: Watched, now: Instant) -> Heartbeat:
        waiter = watched.waiter
        moment = max(watched.due, self._limiter.ready_at(now.monotonic), now.monotonic)
        known = not watched.in_flight and math.isfinite(moment)
        next_poll = moment - now.monotonic if known else None
        waiting = len(self._unfinished)
        return Heartbeat(waiter.ref, now, waiter.progress(now), waiting, waiter.trouble(now), next_poll)

    def _take_answer(self, watched: Watched, answer: Answer | Broken, now: Instant) -> Iterator[Event]:
        reply: Reply
        if isinstance(answer, Broken):
            reply, limits = answer, RateLimits()
        else:
            reply = decode(watched.waiter.ref, answer)
            limits = read_rate_limits(answer.headers, now.unix)
        hold = self._limiter.observe(reply, limits, watched.asked_at, now.monotonic)
        if watched.waiter.over:
            return
        step = watched.waiter.receive(reply, Arrival(watched.asked_at, now, hold))
        yield from self._follow(watched, step, now)
        shared = self._limiter.hold
        if shared is not None and shared.named and shared.until > now.monotonic:
            for other in self._each_unfinished():
                if not other.in_flight and shared.until > other.deadline:
                    yield from self._follow(other, other.waiter.refuse(shared, now), now)

    def _ask_due(self, now: Instant) -> Iterator[Event]:
        agenda, moment = self._agenda, now.monotonic
        agenda.wake(moment)
        if agenda.due and self._may_ask(moment):
            agenda.rank(moment)
            while agenda.due and self._may_ask(moment):
                self._ask(agenda.due.pop())
        yield from self._take_last_looks(now)

    def _take_last_looks(self, now: Instant) -> Iterator[Event]:
        """Sees to imports whose deadline has come: each has one more look, or ends without."""
        moment = now.monotonic
        for watched in self._agenda.take_late(moment):
            if watched.waiter.over:
                continue
            held = self._limiter.ready_at(moment, last=True) > moment
            if held or moment >= watched.deadline + LAST_CALL:
                yield from self._follow(watched, watched.waiter.refuse(self._limiter.hold, now), now)
            elif self._in_flight.has_room:
                self._ask(watched)
            else:
                self._agenda.due.append(watched)

    def _may_ask(self, moment: float) -> bool:
        return self._in_flight.has_room and self._limiter.ready_at(moment) <= moment

    def _ask(self, watched: Watched) -> None:
        self._limiter.start()
        self._in_flight.send(watched)

    def _follow(self, watched: Watched, step: Step | None, now: Instant) -> Iterator[Event]:
        """Tells what a step says and does what follows from it."""
        if step is None:
            return
        for event in step.events:
            if isinstance(event, _TELLS):
                self._told_at = now.monotonic
            if isinstance(event, Ended):
                del self._unfinished[event.ref]
            yield event
            if isinstance(event, Ended) and not event.left_behind and self._decides(event.outcome):
                for other in self._each_unfinished():
                    yield from self._follow(other, other.waiter.abandon(event.ref, now), now)
        if step.wake_at is not None:
            watched.due = step.wake_at
            watched.interval = step.interval
            watched.deadline = step.deadline
            self._agenda.put_to_sleep(watched)

    def _each_unfinished(self) -> Iterator[Watched]:
        """Goes over the imports while their ends may end others."""
        for watched in list(self._unfinished.values()):
            if not watched.waiter.over:
                yield watched

    def _decides(self, outcome: Outcome) -> bool:
        if outcome is Outcome.INTERRUPTED:
            return False
        return self._terms.any_suffices if self._terms.succeeds(outcome) else self._terms.fail_fast

    async def _sleep(self) -> None:
        if self._in_flight.has_landed or self._signal is not None or not self._unfinished:
            return
        agenda = self._agenda
        moments = [self._told_at + self._terms.heartbeat, agenda.next_due]
        if agenda.due and not self._in_flight.has_room:  # a landing makes room
            moments.append(agenda.next_deadline + LAST_CALL)
        elif agenda.due:
            moments.append(self._limiter.ready_at(self._clock().monotonic))
            moments.append(agenda.next_deadline)
        soonest = min(moments)
        self.wakes_at = min(soonest, self._in_flight.lands_by)
        self._wake.clear()
        try:
            async with asyncio.timeout_at(soonest if math.isfinite(soonest) else None):
                await self._wake.wait()
        except TimeoutError:
            return
