"""All imports of one watch as a sans-I/O state machine: who is asked next, and whose end ends the others'."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from watcher.core.answers.decoding import decode
from watcher.core.answers.rate_limits import RateLimits, read_rate_limits
from watcher.core.answers.replies import Fault
from watcher.core.events import Changed, Ended, Heartbeat, MetUnknownStatus, Watching
from watcher.core.fleet.agenda import Agenda, Watched
from watcher.core.fleet.limiter import Limiter
from watcher.core.statuses import Outcome
from watcher.core.wait.steps import Arrival
from watcher.core.wait.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import Answer, Reply
    from watcher.core.events import Event, Progress
    from watcher.core.fleet.agenda import Due
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Terms
    from watcher.core.wait.saved import SavedState
    from watcher.core.wait.steps import Step

_TELLS = (Watching, Changed, MetUnknownStatus, Heartbeat, Ended)


class Fleet:
    """Holds every rule of watching imports together, as a ``Waiter`` holds those of one.

    It reads no clock and does no I/O: the caller sends a request for each import of ``take_due``, hands in
    what it brought, and comes back at ``wakes_at``. What it tells are events in the order in which they
    happen; they are made as they are taken, so a caller takes all of them before it goes on.

    Args:
        refs: The imports, each once.
        terms: How they are watched.
        random: The source of jitter.
        past: What an earlier run left.
    """

    def __init__(self, refs: Sequence[ImportRef], terms: Terms, random: Random, past: SavedState) -> None:
        self._refs = refs
        self._terms = terms
        self._random = random
        self._past = past
        self._limiter = Limiter(random)
        self._agenda = Agenda(self._limiter)
        self._unfinished: dict[ImportRef, Watched] = {}
        self._told_at = 0.0

    @property
    def over(self) -> bool:
        """Whether every wait has ended, or none has begun."""
        return not self._unfinished

    @property
    def hold(self) -> Hold | None:
        """The present stretch without requests, which all imports share."""
        return self._limiter.hold

    def standing(self, ref: ImportRef, now: Instant) -> Heartbeat | None:
        """Tells how an import stands, between events.

        Args:
            ref: The import.
            now: The time.

        Returns:
            What a heartbeat would tell; None before its wait has begun and after it has ended.
        """
        watched = self._unfinished.get(ref)
        return None if watched is None else self._heartbeat(watched, now)

    def progress(self, now: Instant) -> dict[ImportRef, Progress]:
        """Tells how far the waits have come that still go on.

        Args:
            now: The time.

        Returns:
            A snapshot of each.
        """
        return {ref: watched.waiter.progress(now) for ref, watched in self._unfinished.items()}

    def begin(self, now: Instant) -> Iterator[Event]:
        """Begins every wait.

        Args:
            now: The time.

        Yields:
            What happens; waits of an earlier run may end at once.
        """
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

    def receive(self, watched: Watched, answer: Answer | Fault, now: Instant) -> Iterator[Event]:
        """Takes in what a request brought.

        Args:
            watched: The import that was asked for.
            answer: The answer, or what went wrong.
            now: When it came.

        Yields:
            What happens.
        """
        watched.in_flight = False
        reply: Reply
        if isinstance(answer, Fault):
            reply, limits = answer, RateLimits()
        else:
            reply = decode(watched.waiter.ref, answer)
            limits = read_rate_limits(answer.headers, now.unix)
        hold = self._limiter.observe(reply, limits, watched.asked_at, now.monotonic)
        if watched.waiter.over:
            return
        step = watched.waiter.receive(reply, Arrival(watched.asked_at, now, hold))
        yield from self._follow(watched, step, now)
        yield from self._end_held(now)

    def interrupt(self, signal: int, now: Instant) -> Iterator[Event]:
        """Ends every wait because of a signal.

        Args:
            signal: Its number.
            now: The time.

        Yields:
            The ends.
        """
        for watched in self._each_unfinished():
            yield from self._follow(watched, watched.waiter.interrupt(signal, now), now)

    def take_due(self, now: Instant, room: int) -> Due:
        """Takes the imports to ask for now, and those to end.

        Args:
            now: The time.
            room: How many requests may be sent.

        Returns:
            The imports: the caller sends a request for each that is asked for, and has ``end`` end the late.
        """
        return self._agenda.take_due(now.monotonic, room)

    def end(self, late: Sequence[Watched], now: Instant) -> Iterator[Event]:
        """Ends waits whose deadline has come, and for whose last look there was no way.

        Args:
            late: The imports.
            now: The time.

        Yields:
            The ends.
        """
        for watched in late:
            if not watched.waiter.over:
                yield from self._follow(watched, watched.waiter.refuse(self._limiter.hold, now), now)

    def beat(self, now: Instant) -> Iterator[Event]:
        """Breaks a long silence.

        Args:
            now: The time.

        Yields:
            How the first unfinished import stands, where nothing was told for the length of a heartbeat.
        """
        if self._unfinished and now.monotonic >= self._told_at + self._terms.heartbeat:
            self._told_at = now.monotonic
            yield self._heartbeat(next(iter(self._unfinished.values())), now)

    def wakes_at(self, now: float, *, has_room: bool) -> float:
        """Tells when there is something to do, if no answer comes before.

        Args:
            now: The monotonic clock in seconds.
            has_room: Whether a request may be sent.

        Returns:
            The moment on that clock; infinity where only an answer brings something.
        """
        return min(self._told_at + self._terms.heartbeat, self._agenda.wakes_at(now, has_room=has_room))

    def _heartbeat(self, watched: Watched, now: Instant) -> Heartbeat:
        waiter = watched.waiter
        moment = max(watched.due, self._limiter.ready_at(now.monotonic), now.monotonic)
        known = not watched.in_flight and math.isfinite(moment)
        next_poll = moment - now.monotonic if known else None
        waiting = len(self._unfinished)
        return Heartbeat(waiter.ref, now, waiter.progress(now), waiting, waiter.trouble(now), next_poll)

    def _end_held(self, now: Instant) -> Iterator[Event]:
        """Ends the waits that cannot outlast a hold."""
        hold = self._limiter.hold
        if hold is None or hold.resume_at <= now.monotonic:
            return
        once = self._terms.policy.once
        for watched in self._each_unfinished():
            if not watched.in_flight and (once or (hold.named and hold.until > watched.deadline)):
                yield from self._follow(watched, watched.waiter.refuse(hold, now), now)

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
