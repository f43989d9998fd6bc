"""Rules of shared loops with one planted bug each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.core.fleet import agenda, fleet
from watcher.core.fleet.group import Group
from watcher.core.fleet.limiter import Limiter

if TYPE_CHECKING:
    from watcher.core.fleet.agenda import Agenda, Due, Poll, ScheduledImport
    from watcher.core.fleet.fleet import Fleet
    from watcher.core.model import Instant
    from watcher.core.policy import Terms
    from watcher.loop.loop import Loop

_start = agenda.Agenda._start  # noqa: SLF001 (bugs are planted in private rules too)
_finish = agenda.Agenda.finish
_take_due = fleet.Fleet.take_due


def keep_polling_for_nobody(self: Loop, group: Group) -> None:
    """Do not withdraw a group that was left."""


def let_a_stalled_group_block_others(self: Fleet, now: Instant, capacity: int) -> Due:
    """Poll nothing while a consumer does not read."""
    if any(group.paused for group in self._groups):
        return agenda.Due([], [])
    return _take_due(self, now, capacity)


def deliver_to_one_group(self: Agenda, scheduled: ScheduledImport, now: float) -> Poll:
    """Pass the reply only to the group whose poll was due."""
    everyone = self._waits[scheduled.waiter.ref]
    self._waits[scheduled.waiter.ref] = (scheduled,)
    poll = _start(self, scheduled, now)
    self._waits[scheduled.waiter.ref] = everyone
    for one in everyone:
        one.blocked = one.poll is None
    return poll


def deliver_to_late_groups(self: Agenda, poll: Poll) -> None:
    """Pass a reply also to the groups that joined after its request was sent."""
    _finish(self, poll)
    poll.waits = list(self._waits.get(poll.ref, ()))
    for scheduled in poll.waits:
        scheduled.ticket = None


def hide_the_hold_from_groups(self: Fleet, terms: Terms) -> Group:
    """Give each group a limiter of its own."""
    group = Group(terms, self._agenda, Limiter(self._random), self._random)
    self._groups[group] = None
    self._with_heartbeat[group] = None
    return group


def let_unread_events_pile_up(self: Group) -> None:
    """Go on polling although nobody reads."""


def ask_on_the_connection_of_the_last_group(self: Agenda, scheduled: ScheduledImport, now: float) -> Poll:
    """Use a new connection only if the last group needs one."""
    poll = _start(self, scheduled, now)
    poll.fresh = poll.waits[-1].fresh
    return poll
