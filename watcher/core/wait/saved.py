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
from watcher.core.events import Event, MetThrottle
from watcher.core.lifecycle import FINAL
from watcher.core.model import Import, ImportFile, ImportRef, Instant, Transition, UnixTime
from watcher.core.statuses import ImportStatus, Status, parse_status
from watcher.core.text import printable

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

    def checked(self) -> SavedWait:
        """Return a wait that was decoded, with known statuses as members of ``ImportStatus``.

        Raises:
            ValueError: A text is not safe to print, or fields contradict each other.
        """
        if (self.since is None) != (self.last is None):
            raise ValueError(self)
        last = None if self.last is None else _import(self.last)
        return replace(self, last=last, transitions=tuple(map(_transition, self.transitions)))

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


def _import(last: Import) -> Import:
    files = tuple(ImportFile(_text(file.filename), _text(file.status)) for file in last.files)
    return Import(_status(last.status), _text(last.mode), last.created_ms, files)


def _transition(transition: Transition) -> Transition:
    source = None if transition.source is None else _status(transition.source)
    at = Instant(0.0, transition.at.unix)  # another run's monotonic clock means nothing
    elapsed, in_state = transition.elapsed, transition.in_state
    return Transition(source, _status(transition.to), at, elapsed, in_state, transition.expected)


def _status(name: str) -> Status:
    known = parse_status(name)
    if isinstance(known, ImportStatus):
        return known
    _text(name)  # the same text again: a status that was escaped can be longer than its limit
    return name


def _text(text: str | None) -> str | None:
    if text is not None and printable(text, limit=len(text)) != text:
        raise ValueError(text)
    return text


@dataclass(frozen=True, slots=True)
class SavedHold:
    """A ``Hold`` on the wall clock, for a later run."""

    until: UnixTime
    resume_at: UnixTime
    named: bool
    binds_until: UnixTime | None = None

    @classmethod
    def after(cls, event: Event) -> SavedHold | None:
        """Return the hold that an event reports; None for other events than a rejection."""
        if not isinstance(event, MetThrottle):
            return None
        now = event.at.unix
        return cls(now + (event.named_wait or 0.0), now + event.wait, event.named_wait is not None)

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
