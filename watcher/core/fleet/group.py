"""Imports that are watched together: their waits, their heartbeats, and which outcome ends all waits."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from random import Random

from watcher.core.answers.replies import Reply
from watcher.core.events import Ended, Event, Heartbeat, MetThrottle, Progress, Retrying, Watching
from watcher.core.fleet.agenda import Agenda, ScheduledImport
from watcher.core.fleet.limiter import Limiter
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import SavedState
from watcher.core.wait.steps import Arrival, Step
from watcher.core.wait.waiter import Waiter


class Group:
    """All rules of imports that are watched together; a ``Fleet`` has any number of groups.

    Events are generated lazily, in order: consume all of them before the next call. ``size`` is the
    number of all imports, ``paused`` is whether no further request is sent for them.
    """

    def __init__(self, terms: Terms, agenda: Agenda, limiter: Limiter, random: Random) -> None:
        self._terms = terms
        self._agenda = agenda
        self._limiter = limiter
        self._random = random
        self._unfinished: dict[ImportRef, ScheduledImport] = {}
        self._last_event_at = 0.0
        self.size = 0
        self.paused = False

    @property
    def over(self) -> bool:
        """Whether every wait has ended, or none has begun."""
        return not self._unfinished

    @property
    def next_heartbeat(self) -> float:
        """When the next heartbeat is due, on the monotonic clock in seconds."""
        return math.inf if self.paused or self.over else self._last_event_at + self._terms.heartbeat

    def snapshot(self, ref: ImportRef, now: Instant) -> Heartbeat | None:
        """Return the present state of an import as a heartbeat; None before its wait and after it."""
        scheduled = self._unfinished.get(ref)
        return None if scheduled is None else self._heartbeat_of(scheduled, now)

    def progress(self, now: Instant) -> dict[ImportRef, Progress]:
        """Return a snapshot of each wait that has not ended."""
        return {ref: scheduled.waiter.progress(now) for ref, scheduled in self._unfinished.items()}

    def begin(
        self, refs: Sequence[ImportRef], saved: SavedState, announced: Collection[ImportRef], now: Instant
    ) -> Iterator[Event]:
        """Begin all waits; those of an earlier run may end at once.

        The ``announced`` imports are not reported as ``Watching`` again.
        """
        self.size = len(refs)
        hold = None if saved.hold is None else saved.hold.restored(now)
        if hold is not None:
            self._limiter.apply(hold)
        for ref in refs:
            waiter = Waiter(ref, self._terms.policy, now, self._random, saved.waits.get(ref))
            self._unfinished[ref] = scheduled = ScheduledImport(self, waiter)
            self._agenda.add(scheduled)
            for event in self._apply(scheduled, waiter.begin(now), now):
                if not (isinstance(event, Watching) and ref in announced):
                    yield event
        for scheduled in self._each_unfinished():
            yield from self._apply(scheduled, scheduled.waiter.end_before_first_poll(hold, now), now)
        yield from self.end_held(now)

    def receive(self, scheduled: ScheduledImport, reply: Reply, arrival: Arrival) -> Iterator[Event]:
        """Process a reply for one of the imports."""
        yield from self._apply(scheduled, scheduled.waiter.receive(reply, arrival), arrival.now)

    def interrupt(self, signal: int, now: Instant) -> Iterator[Event]:
        """End all waits because of a signal with this number."""
        for scheduled in self._each_unfinished():
            yield from self._apply(scheduled, scheduled.waiter.interrupt(signal, now), now)

    def end_expired(self, scheduled: ScheduledImport, now: Instant) -> Iterator[Event]:
        """End a wait whose deadline has passed and for which no last poll is possible."""
        if not scheduled.waiter.over:
            yield from self._apply(scheduled, scheduled.waiter.end_unpolled(self._limiter.hold, now), now)

    def end_held(self, now: Instant) -> Iterator[Event]:
        """End the waits that the present hold outlasts."""
        hold = self._limiter.hold
        if hold is None or hold.resume_at <= now.monotonic:
            return
        once = self._terms.policy.once
        for scheduled in self._each_unfinished():
            if scheduled.poll is None and (once or (hold.named and hold.last_poll_at > scheduled.deadline)):
                yield from self._apply(scheduled, scheduled.waiter.end_if_held(hold, now), now)

    def heartbeat(self, now: Instant) -> Iterator[Event]:
        """Report the first unfinished import if there was no event for the length of a heartbeat."""
        if now.monotonic >= self.next_heartbeat:
            self._last_event_at = now.monotonic
            yield self._heartbeat_of(next(iter(self._unfinished.values())), now)

    def pause(self) -> None:
        """Send no further request for these imports; time goes on."""
        self.paused = True
        for scheduled in self._unfinished.values():
            scheduled.paused = True

    def resume(self, now: Instant) -> None:
        """Poll these imports again; a deadline that has passed applies only after one more poll."""
        self.paused = False
        for scheduled in self._unfinished.values():
            scheduled.paused = False
            scheduled.waiter.resume(now)
            scheduled.deadline = scheduled.waiter.deadline

    def withdraw(self) -> None:
        """Forget all waits; no further request is sent for them."""
        for scheduled in self._unfinished.values():
            self._agenda.remove(scheduled)
        self._unfinished.clear()

    def _heartbeat_of(self, scheduled: ScheduledImport, now: Instant) -> Heartbeat:
        waiter, waiting = scheduled.waiter, len(self._unfinished)
        ready_at = min(self._limiter.ready_at(now.monotonic), scheduled.deadline)
        wait = max(scheduled.due, ready_at, now.monotonic) - now.monotonic
        next_poll = wait if scheduled.poll is None else None
        return Heartbeat(waiter.ref, now, waiter.progress(now), waiting, waiter.trouble(now), next_poll)

    def _apply(self, scheduled: ScheduledImport, step: Step | None, now: Instant) -> Iterator[Event]:
        """Yield the events of a step and carry out its consequences."""
        if step is None:
            return
        for event in step.events:
            if not isinstance(event, MetThrottle | Retrying):
                self._last_event_at = now.monotonic
            if isinstance(event, Ended):
                del self._unfinished[event.ref]
                self._agenda.remove(scheduled)
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
                step = other.waiter.leave_behind(ended.ref, ended.outcome, now, succeeded=succeeded)
                yield from self._apply(other, step, now)

    def _each_unfinished(self) -> Iterator[ScheduledImport]:
        """Iterate over the imports while the end of one may end others."""
        for scheduled in list(self._unfinished.values()):
            if not scheduled.waiter.over:
                yield scheduled
