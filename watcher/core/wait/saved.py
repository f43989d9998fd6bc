"""State that a later run needs to resume a wait.

Times are wall-clock times, because no other clock survives a restart. Deadlines are never saved, so a later
run can use other limits. The wall clock may be corrected between two runs: a saved time in the future counts
as now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeAlias

from msgspec import Meta

from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Event
from watcher.core.lifecycle import FINAL
from watcher.core.model import Import, ImportRef, Instant, Transition, UnixTime

HOLD_LIMIT = 3600.0
"""Longest hold that a later run restores, in seconds."""

_Count: TypeAlias = Annotated[int, Meta(ge=0, le=1 << 53)]


@dataclass(frozen=True, slots=True)
class SavedWait:
    """The wait for one import, as in ``Progress``; ``since`` is when the present status was first seen."""

    began: UnixTime
    since: UnixTime | None = None
    last: Import | None = None
    transitions: tuple[Transition, ...] = ()
    polls: _Count = 0
    throttled: _Count = 0
    errors: _Count = 0

    @classmethod
    def after(cls, event: Event) -> SavedWait:
        """Return the wait as it is after an event.

        Do not call this for a saved final import: its times must not change.
        """
        progress, now = event.progress, event.at.unix
        return cls(
            began=now - progress.elapsed,
            since=None if progress.in_state is None else now - progress.in_state,
            last=progress.last,
            transitions=progress.transitions,
            polls=progress.polls,
            throttled=progress.throttled,
            errors=progress.errors,
        )

    @property
    def is_final(self) -> bool:
        """Whether the import can never change again."""
        return self.last is not None and self.last.status in FINAL

    def corrected(self, now: float) -> SavedWait:
        """Return the wait with every time in the future replaced by ``now`` (Unix seconds)."""
        if self.is_final:  # only the differences between its times matter
            return self
        began = min(self.began, now)
        since = None if self.since is None else max(began, min(self.since, now))
        return replace(self, began=began, since=since)


@dataclass(frozen=True, slots=True)
class SavedHold:
    """A ``Hold`` on the wall clock, for a later run."""

    until: UnixTime
    resume_at: UnixTime
    named: bool
    binds_until: UnixTime | None = None

    @classmethod
    def from_hold(cls, hold: Hold | None, now: Instant) -> SavedHold | None:
        """Return a hold on the wall clock; None if there is none or it is over."""
        if hold is None or hold.resume_at <= now.monotonic:
            return None
        to_wall_clock = now.unix - now.monotonic
        binds_until = None if hold.binds_until is None else hold.binds_until + to_wall_clock
        return cls(hold.until + to_wall_clock, hold.resume_at + to_wall_clock, hold.named, binds_until)

    def corrected(self, now: float) -> SavedHold | None:
        """Return the hold, limited to ``HOLD_LIMIT`` from ``now`` (Unix seconds); None if it is over."""
        latest = now + HOLD_LIMIT
        until = min(self.until, latest)
        resume_at = max(until, min(self.resume_at, latest))
        if resume_at <= now:
            return None
        binds_until = None if self.binds_until is None else min(self.binds_until, until)
        return SavedHold(until, resume_at, self.named, binds_until)

    def restored(self, now: Instant) -> Hold:
        """Return the hold on this run's monotonic clock."""
        to_monotonic = now.monotonic - now.unix
        binds_until = None if self.binds_until is None else self.binds_until + to_monotonic
        return Hold(
            self.until + to_monotonic, self.resume_at + to_monotonic, self.named, binds_until=binds_until
        )


@dataclass(frozen=True, slots=True)
class SavedState:
    """The waits of a run's imports and the hold of its base URI, as earlier runs saved them."""

    waits: Mapping[ImportRef, SavedWait] = field(default_factory=dict)
    hold: SavedHold | None = None
