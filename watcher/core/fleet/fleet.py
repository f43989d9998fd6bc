"""All imports of one base URI and token as a sans-I/O state machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random

from watcher.core.answers.decoding import decode
from watcher.core.answers.rate_limits import Hold, RateLimits, read_rate_limits
from watcher.core.answers.replies import Answer, Fault, Reply
from watcher.core.events import Event
from watcher.core.fleet.agenda import Agenda, Due, Poll, ScheduledImport
from watcher.core.fleet.group import Group
from watcher.core.fleet.limiter import Limiter
from watcher.core.messages import faults
from watcher.core.model import Instant
from watcher.core.policy import Terms
from watcher.core.wait.steps import Arrival


class Fleet:
    """Groups of imports that share an agenda and a rate limiter; they join and are withdrawn at any time.

    It reads no clock and does no I/O: the caller sends each poll of ``take_due``, passes what it brought to
    ``receive``, cancels each poll of ``take_abandoned``, and returns at ``next_wakeup``. Events are generated
    lazily, in order: consume all of them before the next call. ``warn`` is called at most once, with the
    first implausible time.
    """

    def __init__(self, random: Random, warn: Callable[[str], None] | None = None) -> None:
        self._random = random
        self._warn = warn
        self._limiter = Limiter(random)
        self._agenda = Agenda(self._limiter)
        self._groups: dict[Group, None] = {}  # in order, so that a simulation repeats itself
        self._with_heartbeat: dict[Group, None] = {}

    @property
    def hold(self) -> Hold | None:
        """The present hold, which all imports share."""
        return self._limiter.hold

    def successor(self) -> Fleet:
        """Return a fleet without groups that respects the present hold, for use after a defect."""
        fleet = Fleet(self._random, self._warn)
        if self.hold is not None:
            fleet._limiter.apply(self.hold)
        return fleet

    def join(self, terms: Terms) -> Group:
        """Return a new group; call its ``begin`` next."""
        group = Group(terms, self._agenda, self._limiter, self._random)
        self._groups[group] = None
        if math.isfinite(terms.heartbeat):
            self._with_heartbeat[group] = None
        return group

    def withdraw(self, group: Group) -> None:
        """Send no further request for a group; a group that is over may be withdrawn as well."""
        self._groups.pop(group, None)
        self._with_heartbeat.pop(group, None)
        group.withdraw()

    def receive(
        self, poll: Poll, answer: Answer | Fault, sent_at: float, now: Instant
    ) -> Iterator[tuple[Group, Event]]:
        """Process what arrived now for a poll of ``sent_at``: a response, or the fault instead of one."""
        self._agenda.finish(poll)
        if isinstance(answer, Fault) and not poll.waits:
            self._limiter.cancel(sent_at)
            return
        reply: Reply
        if isinstance(answer, Fault):
            reply, limits = answer, RateLimits()
        else:
            reply = decode(poll.ref, answer)
            limits = read_rate_limits(answer.headers, now.unix)
        hold = self._limiter.observe(reply, limits, sent_at, now.monotonic)
        if limits.implausible and self._warn is not None:
            self._warn(faults.implausible_time(limits.implausible))
            self._warn = None
        arrival = Arrival(sent_at, now, hold, self._limiter.allowed_at(now.monotonic))
        for scheduled in tuple(poll.waits):
            for event in scheduled.group.receive(scheduled, reply, arrival):
                yield scheduled.group, event
        current = self._limiter.hold
        if current is not None and now.monotonic < current.resume_at:
            for group in tuple(self._groups):
                for event in group.end_held(now):
                    yield group, event

    def take_due(self, now: Instant, capacity: int) -> Due:
        """Return the polls to send now, at most ``capacity``, and the imports to pass to ``end``."""
        return self._agenda.take_due(now.monotonic, capacity)

    def take_abandoned(self) -> list[Poll]:
        """Return the polls in flight to cancel, because nobody needs their replies any more."""
        return self._agenda.take_abandoned()

    def end(self, expired: Sequence[ScheduledImport], now: Instant) -> Iterator[tuple[Group, Event]]:
        """End waits whose deadline has passed and for which no last poll is possible."""
        for scheduled in expired:
            for event in scheduled.group.end_expired(scheduled, now):
                yield scheduled.group, event

    def heartbeats(self, now: Instant) -> Iterator[tuple[Group, Event]]:
        """Report an import of each group that had no event for the length of its heartbeat."""
        for group in self._with_heartbeat:
            for event in group.heartbeat(now):
                yield group, event

    def next_wakeup(self, now: float, *, can_send: bool) -> float:
        """Return when to act next if no reply arrives before; infinite if only a reply matters."""
        next_heartbeat = min((group.next_heartbeat for group in self._with_heartbeat), default=math.inf)
        return min(next_heartbeat, self._agenda.next_wakeup(now, can_send=can_send))
