"""Order the polls: imports that are not due yet, and due imports waiting for the rate limit."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from watcher.core.fleet.limiter import Limiter
from watcher.core.model import ImportRef
from watcher.core.wait.waiter import Waiter

if TYPE_CHECKING:
    from watcher.core.fleet.group import Group

LAST_POLL_GRACE = 10.0
"""Seconds past its deadline for which an import's last poll may wait for its turn, and after which a request
without a timeout of its own is cancelled."""


@dataclass(slots=True, eq=False)
class Poll:
    """One request for an import, and the waits that its reply is for.

    Attributes:
        waits: The waits that began before the request was sent; none if nobody needs the reply any more.
        deadline: The first of their deadlines, on the monotonic clock in seconds.
        fresh: Whether the request must use a new connection.
    """

    ref: ImportRef
    waits: list[ScheduledImport]
    deadline: float = math.inf
    fresh: bool = False


@dataclass(slots=True, eq=False)
class ScheduledImport:
    """One import of a group; all times are on the monotonic clock in seconds.

    Attributes:
        fresh: Whether the next request must use a new connection.
        paused: Whether it is not polled at present, because nobody reads its events.
        blocked: Whether a request for the import is in flight whose reply is not for this wait.
        poll: The request in flight whose reply is for this import.
        ticket: The number of its entry in the agenda; None without one.
    """

    group: Group
    waiter: Waiter
    due: float = 0.0
    interval: float = 1.0
    deadline: float = math.inf
    fresh: bool = False
    paused: bool = False
    blocked: bool = False
    poll: Poll | None = None
    ticket: int | None = None

    @property
    def can_poll(self) -> bool:
        """Whether its poll may be sent when it is due."""
        return self.ticket is not None and not (self.paused or self.blocked)

    def urgency(self, now: float) -> float:
        """Return how late the poll is, in polling intervals; infinite past the deadline."""
        return math.inf if now >= self.deadline else (now - self.due) / self.interval


class Due(NamedTuple):
    """The polls to send now, in this order, and the imports to end, because no last poll is possible."""

    to_poll: list[Poll]
    expired: list[ScheduledImport]


class Agenda:
    """Order the polls of all imports by urgency, within the rate limits.

    An import that several groups wait for has one request in flight at a time. Its reply is for all waits
    that began before the request was sent: an older reply would show a later wait the status of an earlier
    time.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._waits: dict[ImportRef, tuple[ScheduledImport, ...]] = {}
        self._due: list[ScheduledImport] = []
        self._sleeping: list[tuple[float, int, ScheduledImport]] = []  # some entries may be out of date
        self._tickets = count()  # also the order of imports that are due at the same time
        self._in_flight: dict[ImportRef, Poll] = {}
        self._abandoned: list[Poll] = []

    def add(self, scheduled: ScheduledImport) -> None:
        """Add a wait; ``schedule`` sets its first poll."""
        ref = scheduled.waiter.ref
        self._waits[ref] = (*self._waits.get(ref, ()), scheduled)
        scheduled.blocked = ref in self._in_flight

    def remove(self, scheduled: ScheduledImport) -> None:
        """Remove a wait that has ended or was withdrawn; it is not polled again."""
        ref = scheduled.waiter.ref
        others = tuple(other for other in self._waits[ref] if other is not scheduled)
        if others:
            self._waits[ref] = others
        else:
            del self._waits[ref]
        scheduled.ticket = None
        poll, scheduled.poll = scheduled.poll, None
        if poll is not None:
            poll.waits.remove(scheduled)
            if not poll.waits:
                self._abandoned.append(poll)

    def schedule(self, scheduled: ScheduledImport) -> None:
        """Poll an import when it is due."""
        scheduled.ticket = next(self._tickets)
        heapq.heappush(self._sleeping, (scheduled.due, scheduled.ticket, scheduled))

    def take_due(self, now: float, capacity: int) -> Due:
        """Return the polls to send now, the most urgent first, and remove them and expired imports.

        An import past its deadline is polled once more, unless the API named a later time. That last poll may
        use requests that are reserved for the account's other users. If the limit is unknown or no request
        can be sent, it waits up to ``LAST_POLL_GRACE`` for its turn.
        """
        self._wake(now)
        to_poll: list[Poll] = []
        expired: list[ScheduledImport] = []
        if self._due and capacity > 0 and self._limiter.ready_at(now) <= now:
            self._due.sort(key=lambda one: one.urgency(now), reverse=True)  # equals keep their order
            for scheduled in self._due:
                if len(to_poll) >= capacity or self._limiter.ready_at(now) > now:
                    break
                if scheduled.can_poll:
                    to_poll.append(self._start(scheduled, now))
        for scheduled in [one for one in self._due if now >= one.deadline]:
            if scheduled.paused or scheduled.ticket is None:
                continue
            if now >= scheduled.deadline + LAST_POLL_GRACE or self._limiter.allowed_at(now, last=True) > now:
                expired.append(scheduled)
                scheduled.ticket = None
            elif (
                len(to_poll) < capacity
                and scheduled.can_poll
                and self._limiter.ready_at(now, last=True) <= now
            ):
                to_poll.append(self._start(scheduled, now))
        if to_poll or expired:
            self._due = [scheduled for scheduled in self._due if scheduled.ticket is not None]
        return Due(to_poll, expired)

    def finish(self, poll: Poll) -> None:
        """Record that a poll is over."""
        del self._in_flight[poll.ref]
        for scheduled in poll.waits:
            scheduled.poll = None
        for scheduled in self._waits.get(poll.ref, ()):
            scheduled.blocked = False

    def take_abandoned(self) -> list[Poll]:
        """Remove and return the polls in flight whose replies nobody needs any more."""
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    def next_wakeup(self, now: float, *, can_send: bool) -> float:
        """Return when the next import needs action if no reply arrives before; infinite if none does."""
        self._drop_outdated()
        next_due = self._sleeping[0][0] if self._sleeping else math.inf
        due = [one for one in self._due if not one.paused]
        if not due:
            return next_due
        latest = min(next_due, min(one.deadline for one in due) + LAST_POLL_GRACE)
        ready = [one for one in due if not one.blocked]
        if not can_send or not ready:  # until a reply arrives
            return latest
        first_deadline = min(one.deadline for one in ready)
        if now < first_deadline:
            return min(latest, first_deadline, self._limiter.ready_at(now))
        return min(latest, self._limiter.ready_at(now, last=True))

    def _wake(self, now: float) -> None:
        """Move the imports that are due now, and forget those that were removed or polled meanwhile."""
        self._due = [scheduled for scheduled in self._due if scheduled.ticket is not None]
        while self._sleeping and self._sleeping[0][0] <= now:
            _, ticket, scheduled = heapq.heappop(self._sleeping)
            if scheduled.ticket == ticket:
                self._due.append(scheduled)

    def _drop_outdated(self) -> None:
        while self._sleeping and self._sleeping[0][2].ticket != self._sleeping[0][1]:
            heapq.heappop(self._sleeping)

    def _start(self, scheduled: ScheduledImport, now: float) -> Poll:
        self._limiter.start(now)
        ref = scheduled.waiter.ref
        waits = [one for one in self._waits[ref] if not one.paused]
        deadline, fresh = min(one.deadline for one in waits), any(one.fresh for one in waits)
        poll = self._in_flight[ref] = Poll(ref, waits, deadline, fresh)
        for one in waits:
            one.poll, one.ticket = poll, None
        for one in self._waits[ref]:
            one.blocked = one.poll is None
        return poll
