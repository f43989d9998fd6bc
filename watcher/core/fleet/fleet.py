"""The wait for many imports as a sans-I/O state machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random

from watcher.core.answers.decoding import decode
from watcher.core.answers.rate_limits import Hold, RateLimits, read_rate_limits
from watcher.core.answers.replies import Answer, Fault, Reply
from watcher.core.events import Ended, Event, Heartbeat, MetThrottle, Progress, Retrying
from watcher.core.fleet.agenda import Agenda, Due, ScheduledImport
from watcher.core.fleet.limiter import Limiter
from watcher.core.messages import faults
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import SavedState
from watcher.core.wait.steps import Arrival, Step
from watcher.core.wait.waiter import Waiter


class Fleet:
    """All rules of watching imports together.

    It reads no clock and does no I/O: the caller sends a request for each import of ``take_due``, passes what
    it brought to ``receive``, and returns at ``next_wakeup``. Events are generated lazily, in order: consume
    all of them before the next call. ``warn`` is called at most once, with the first implausible time.
    """

    def __init__(
        self,
        refs: Sequence[ImportRef],
        terms: Terms,
        random: Random,
        past: SavedState,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._warn = warn
        self._refs = refs
        self._terms = terms
        self._random = random
        self._past = past
        self._limiter = Limiter(random)
        self._agenda = Agenda(self._limiter)
        self._unfinished: dict[ImportRef, ScheduledImport] = {}
        self._last_event_at = 0.0

    @property
    def over(self) -> bool:
        """Whether every wait has ended, or none has begun."""
        return not self._unfinished

    @property
    def hold(self) -> Hold | None:
        """The present hold, which all imports share."""
        return self._limiter.hold

    def snapshot(self, ref: ImportRef, now: Instant) -> Heartbeat | None:
        """Return the present state of an import as a heartbeat; None before its wait and after it."""
        scheduled = self._unfinished.get(ref)
        return None if scheduled is None else self._heartbeat_of(scheduled, now)

    def progress(self, now: Instant) -> dict[ImportRef, Progress]:
        """Return a snapshot of each wait that has not ended."""
        return {ref: scheduled.waiter.progress(now) for ref, scheduled in self._unfinished.items()}

    def begin(self, now: Instant) -> Iterator[Event]:
        """Begin all waits; those of an earlier run may end at once."""
        self._last_event_at = now.monotonic
        if self._past.hold is not None:
            self._limiter.hold = self._past.hold.restored(now)
        for ref in self._refs:
            saved = self._past.waits.get(ref)
            scheduled = ScheduledImport(Waiter(ref, self._terms.policy, now, self._random, saved))
            self._unfinished[ref] = scheduled
            yield from self._apply(scheduled, scheduled.waiter.begin(now), now)
        for scheduled in self._each_unfinished():
            step = scheduled.waiter.end_before_first_poll(self._limiter.hold, now)
            yield from self._apply(scheduled, step, now)

    def receive(
        self, scheduled: ScheduledImport, answer: Answer | Fault, sent_at: float, now: Instant
    ) -> Iterator[Event]:
        """Process what arrived now for a request of ``sent_at``: a response, or the fault instead of one."""
        scheduled.in_flight = False
        reply: Reply
        if isinstance(answer, Fault):
            reply, limits = answer, RateLimits()
        else:
            reply = decode(scheduled.waiter.ref, answer)
            limits = read_rate_limits(answer.headers, now.unix)
        hold = self._limiter.observe(reply, limits, sent_at, now.monotonic)
        if scheduled.waiter.over:
            return
        if limits.implausible and self._warn is not None:
            self._warn(faults.implausible_time(limits.implausible))
            self._warn = None
        allowed_at = self._limiter.allowed_at(now.monotonic)
        step = scheduled.waiter.receive(reply, Arrival(sent_at, now, hold, allowed_at))
        yield from self._apply(scheduled, step, now)
        yield from self._end_held(now)

    def interrupt(self, signal: int, now: Instant) -> Iterator[Event]:
        """End all waits because of a signal with this number."""
        for scheduled in self._each_unfinished():
            yield from self._apply(scheduled, scheduled.waiter.interrupt(signal, now), now)

    def take_due(self, now: Instant, capacity: int) -> Due:
        """Return the imports to poll now, at most ``capacity``, and those to pass to ``end``."""
        return self._agenda.take_due(now.monotonic, capacity)

    def end(self, expired: Sequence[ScheduledImport], now: Instant) -> Iterator[Event]:
        """End waits whose deadline has passed and for which no last poll is possible."""
        for scheduled in expired:
            if not scheduled.waiter.over:
                step = scheduled.waiter.end_if_held(self._limiter.hold, now)
                yield from self._apply(scheduled, step, now)

    def heartbeat(self, now: Instant) -> Iterator[Event]:
        """Report the first unfinished import if there was no event for the length of a heartbeat."""
        if self._unfinished and now.monotonic >= self._last_event_at + self._terms.heartbeat:
            self._last_event_at = now.monotonic
            yield self._heartbeat_of(next(iter(self._unfinished.values())), now)

    def next_wakeup(self, now: float, *, can_send: bool) -> float:
        """Return when to act next if no reply arrives before; infinite if only a reply matters."""
        next_heartbeat = self._last_event_at + self._terms.heartbeat
        return min(next_heartbeat, self._agenda.next_wakeup(now, can_send=can_send))

    def _heartbeat_of(self, scheduled: ScheduledImport, now: Instant) -> Heartbeat:
        waiter, waiting = scheduled.waiter, len(self._unfinished)
        wait = max(scheduled.due, self._limiter.ready_at(now.monotonic), now.monotonic) - now.monotonic
        next_poll = None if scheduled.in_flight or math.isinf(wait) else wait
        return Heartbeat(waiter.ref, now, waiter.progress(now), waiting, waiter.trouble(now), next_poll)

    def _end_held(self, now: Instant) -> Iterator[Event]:
        """End the waits that the hold outlasts."""
        hold = self._limiter.hold
        if hold is None or hold.resume_at <= now.monotonic:
            return
        once = self._terms.policy.once
        for scheduled in self._each_unfinished():
            if not scheduled.in_flight and (once or (hold.named and hold.last_poll_at > scheduled.deadline)):
                yield from self._apply(scheduled, scheduled.waiter.end_if_held(hold, now), now)

    def _apply(self, scheduled: ScheduledImport, step: Step | None, now: Instant) -> Iterator[Event]:
        """Yield the events of a step and carry out its consequences."""
        if step is None:
            return
        for event in step.events:
            if not isinstance(event, MetThrottle | Retrying):
                self._last_event_at = now.monotonic
            if isinstance(event, Ended):
                del self._unfinished[event.ref]
            yield event
            if isinstance(event, Ended) and not event.left_behind:
                yield from self._leave_others_behind(event, now)
        if step.wake_at is not None:
            scheduled.due = step.wake_at
            scheduled.interval = scheduled.waiter.interval
            scheduled.deadline = step.deadline
            scheduled.fresh = step.fresh
            self._agenda.schedule(scheduled)

    def _leave_others_behind(self, ended: Ended, now: Instant) -> Iterator[Event]:
        """End all other waits if this outcome decides the whole watch."""
        succeeded = self._terms.succeeds(ended.outcome)
        decides = self._terms.any_suffices if succeeded else self._terms.fail_fast
        if decides and ended.outcome is not Outcome.INTERRUPTED:
            for other in self._each_unfinished():
                step = other.waiter.leave_behind(ended.ref, now, succeeded=succeeded)
                yield from self._apply(other, step, now)

    def _each_unfinished(self) -> Iterator[ScheduledImport]:
        """Iterate over the imports while the end of one may end others."""
        for scheduled in list(self._unfinished.values()):
            if not scheduled.waiter.over:
                yield scheduled
