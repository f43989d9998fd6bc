"""What is kept of a wait from run to run, and by which rules a later run takes it up.

Moments are kept on the wall clock, for no other clock outlives a machine, and deadlines never: a later run
may set others. The wall clock can be wrong, and can be put right between two runs:

==================  =====================================================================================
what is kept        how it is taken up
==================  =====================================================================================
any moment          moved along with the wall clock where that was stepped, which the clock that counts from
                    the machine's start tells as long as the machine was not started anew
the beginning       at most now: where it is still to come, the wait counts from this run
the status's first  from the beginning to now
sight
a stretch without   over where it lies in the past, else at most an hour from now
requests
the whole memory    forgotten after 30 days without a run
a transition        as it was told: nothing is counted from it
an import that is   with the time that it took: nothing is counted to now
final
==================  =====================================================================================

What was put right is kept in place of what was there, so that whatever the wall clock said before, a wait
grows older with each run, and a stretch ends. A step forward that nothing tells of, for the machine was
started anew, makes a wait older by as much; then a last look still comes before any clock is judged by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from watcher.core.answers.rate_limits import Hold
from watcher.core.lifecycle import FINAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.core.events import Event
    from watcher.core.model import Import, ImportRef, Instant, Transition

LONGEST_HOLD = 3600.0
"""Seconds from now at which a stretch without requests of an earlier run ends at the latest."""

LONGEST_REST = 30 * 86400.0
"""Seconds without a run after which a wait is forgotten."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something was kept.

    Attributes:
        unix: Seconds since 1970 on the wall clock.
        boot: Which start of the machine it was; None where that cannot be known.
        uptime: Seconds since that start, sleep included.
    """

    unix: float
    boot: str | None = None
    uptime: float = 0.0

    def step_until(self, now: Stamp) -> float:
        """Tells by how much the wall clock has been stepped since.

        Args:
            now: The present.

        Returns:
            Seconds, more than 0 for a step forward; 0 where nothing can be known of it.
        """
        if self.boot is None or self.boot != now.boot or now.uptime < self.uptime:
            return 0.0
        return (now.unix - self.unix) - (now.uptime - self.uptime)

    def is_forgotten(self, now: Stamp) -> bool:
        """Tells whether so much time has passed since that what was kept does not count any more."""
        return now.unix - self.unix - self.step_until(now) > LONGEST_REST


@dataclass(frozen=True, slots=True)
class SavedWait:
    """What is kept of the wait for one import; moments are seconds since 1970.

    Attributes:
        began: When the wait began.
        since: When the present status was first seen; None before the first sight.
        last: The last answer that showed the import.
        transitions: All changes of status, the first sight included.
        polls: Requests that were answered or failed.
        throttled: How many of them were answered with 429.
        errors: How many of them brought nothing usable for another reason.
    """

    began: float
    since: float | None = None
    last: Import | None = None
    transitions: tuple[Transition, ...] = ()
    polls: int = 0
    throttled: int = 0
    errors: int = 0

    @property
    def is_final(self) -> bool:
        """Whether the import will never change again, so that nobody has to ask for it."""
        return self.last is not None and self.last.status in FINAL

    def taken_up(self, kept: Stamp, now: Stamp) -> SavedWait:
        """Puts the moments right for a later run.

        Args:
            kept: When this was kept.
            now: When the later run begins.

        Returns:
            The memory to go on with.
        """
        step = kept.step_until(now)
        latest = math.inf if self.is_final else now.unix  # of a wait that is over only the length counts
        began = min(self.began + step, latest)
        since = None if self.since is None else max(began, min(self.since + step, latest))
        return replace(self, began=began, since=since)


@dataclass(frozen=True, slots=True)
class SavedHold:
    """What is kept of a stretch without requests; moments are seconds since 1970.

    Attributes:
        until: The moment that the API named, or else that of the refusal.
        resume_at: When to ask again, not before it.
        named: Whether the API named the moment.
    """

    until: float
    resume_at: float
    named: bool

    def taken_up(self, kept: Stamp, now: Stamp) -> SavedHold | None:
        """Puts the moments right for a later run.

        Args:
            kept: When this was kept.
            now: When the later run begins.

        Returns:
            What is left of the stretch; None where it is over.
        """
        step, latest = kept.step_until(now), now.unix + LONGEST_HOLD
        until = min(self.until + step, latest)
        resume_at = max(until, min(self.resume_at + step, latest))
        return SavedHold(until, resume_at, self.named) if resume_at > now.unix else None

    def restored(self, now: Instant) -> Hold:
        """Takes the stretch up.

        Args:
            now: The time.

        Returns:
            What is left of it, on the monotonic clock.
        """
        to_monotonic = now.monotonic - now.unix
        return Hold(self.until + to_monotonic, self.resume_at + to_monotonic, self.named)


@dataclass(frozen=True, slots=True)
class SavedState:
    """What an earlier run left to this one.

    Attributes:
        waits: The memories of imports.
        hold: The stretch without requests that was not over.
    """

    waits: Mapping[ImportRef, SavedWait] = field(default_factory=dict)
    hold: SavedHold | None = None


def remember(event: Event) -> SavedWait:
    """Turns what an event tells of its import into what is kept.

    Args:
        event: Any event of a wait that goes on in this run. A wait that was over before it tells no moments.

    Returns:
        The memory.
    """
    progress, now = event.progress, event.at.unix
    return SavedWait(
        began=now - progress.elapsed,
        since=None if progress.in_state is None else now - progress.in_state,
        last=progress.last,
        transitions=progress.transitions,
        polls=progress.polls,
        throttled=progress.throttled,
        errors=progress.errors,
    )


def remember_hold(hold: Hold | None, now: Instant) -> SavedHold | None:
    """Turns a stretch without requests into what is kept.

    Args:
        hold: The stretch.
        now: The time.

    Returns:
        What is kept; None where nothing is held.
    """
    if hold is None or hold.resume_at <= now.monotonic:
        return None
    to_wall_clock = now.unix - now.monotonic
    return SavedHold(hold.until + to_wall_clock, hold.resume_at + to_wall_clock, hold.named)
