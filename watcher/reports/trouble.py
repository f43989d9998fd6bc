"""Faults and rate limits that imports share, each written in one line for all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from watcher.core.events import Heartbeat, MetThrottle, Retrying
from watcher.core.messages.progress import Level, responding_again, retrying
from watcher.core.model import ImportRef
from watcher.reports.grouping import shape_of, summarize
from watcher.reports.lines import Line
from watcher.reports.stream import Defer

Snapshot = Callable[[ImportRef], Heartbeat | None]

COLLECTING = 2.0
"""Seconds for which the faults or failures of several imports are collected into one line."""

RECOVERY_CHECK = 1.0
"""Seconds between two checks whether an outage is over."""

SHORT_OUTAGE = 2.0
"""Seconds up to which the outage of a single import ends silently: the next poll was announced."""

REPORTED_INCREASE = 10.0
"""Seconds by which the wait for a repeated rate limit must exceed the announced one to be written."""


@dataclass(slots=True)
class _Outage:
    """The imports without a usable response since ``began``, and for which imports each fault was written."""

    began: float = 0.0
    affected: dict[ImportRef, None] = field(default_factory=dict)
    reported: dict[str, set[ImportRef]] = field(default_factory=dict)


@dataclass(slots=True)
class _RateLimit:
    """The last wait that was written, in seconds, and the end of the latest one on the monotonic clock."""

    written: float = 0.0
    until: float = -math.inf


class Trouble:
    """Write trouble at its beginning and its end; faults of several imports are collected for a moment.

    The first import with a fault is named. If others meet the same fault in the same outage, one more line
    gives the number so far, and the line about the end of the outage gives the final number.

    A rate limit delays all imports, whichever met it, so its line is about all that have not ended.

    A response that shows no transition is no event, so ``snapshot`` tells whether an import recovered.
    """

    def __init__(
        self, write: Callable[[Line], None], *, several: bool, snapshot: Snapshot, defer: Defer
    ) -> None:
        self._waiting: dict[ImportRef, None] = {}
        self._write = write
        self._several = several
        self._snapshot = snapshot
        self._defer = defer
        self._outage = _Outage()
        self._faults: dict[ImportRef, Retrying] = {}
        self._rate_limit = _RateLimit()

    def add(self, ref: ImportRef) -> None:
        """Add an import that has not ended."""
        self._waiting[ref] = None

    def meet(self, event: Retrying | MetThrottle) -> None:
        """Write trouble that was not written before; collect faults until every import has one."""
        if isinstance(event, MetThrottle):
            self._meet_rate_limit(event)
            return
        self._extend_outage(event)
        if self._is_new(event):
            is_first = not self._faults
            self._faults.setdefault(event.ref, event)
            if len(self._faults) == len(self._waiting):
                self.write()
            elif is_first:
                self._defer(COLLECTING, self.write)

    def end(self, ref: ImportRef) -> None:
        """Remove an import that has ended."""
        self._waiting.pop(ref, None)
        self.recover(ref)

    def recover(self, ref: ImportRef) -> None:
        """Remove an import whose own event says that it recovered."""
        self._outage.affected.pop(ref, None)
        if ref in self._faults:
            self.write()

    def write(self) -> None:
        """Write the collected faults in one line."""
        faults, self._faults = list(self._faults.values()), {}
        if faults:
            self._write_faults(faults)

    def _meet_rate_limit(self, event: MetThrottle) -> None:
        limit = self._rate_limit
        is_first = event.in_a_row == 1 and event.at.monotonic >= limit.until
        if is_first or event.wait >= limit.written + REPORTED_INCREASE:
            limit.written = event.wait
            # A repeated rate limit has no text of its own.
            self._write_first(replace(event, in_a_row=1), self._waiting)
        limit.until = max(limit.until, event.at.monotonic + event.wait)

    def _extend_outage(self, fault: Retrying) -> None:
        if not self._outage.affected:
            self._outage = _Outage(fault.at.unix)
            self._defer(RECOVERY_CHECK, self._check_recovery)
        self._outage.affected[fault.ref] = None

    def _is_new(self, fault: Retrying) -> bool:
        reported = self._outage.reported.get(shape_of(fault.detail), set())
        if not self._several:
            return fault.in_a_row == 1
        if self._faults:
            return True
        return fault.in_a_row == 1 and fault.ref not in reported and len(reported) <= 1

    def _write_faults(self, faults: list[Retrying]) -> None:
        refs = dict.fromkeys(fault.ref for fault in faults)
        for fault in faults:
            reported = self._outage.reported.setdefault(shape_of(fault.detail), set())
            refs |= dict.fromkeys(reported)
            reported.add(fault.ref)
        if len(refs) == 1:
            self._write_first(faults[0], refs)
            return
        text = retrying(summarize(fault.detail for fault in faults))
        so_far = len(refs) < len(self._waiting)
        self._write(Line(Level.WARNING, text, faults[0].at.unix, list(refs), so_far=so_far))

    def _write_first(self, event: Retrying | MetThrottle, refs: Iterable[ImportRef]) -> None:
        line = Line.of(event, list(refs) if self._several else [])
        if line is not None:
            self._write(line)

    def _check_recovery(self) -> None:
        """Write the end of the outage once no import has trouble."""
        recovered: dict[ImportRef, float] = {}
        for ref in self._outage.affected:
            snapshot = self._snapshot(ref)
            if snapshot is None:
                continue
            # An import that was never seen recovers with a transition.
            if snapshot.trouble is not None or snapshot.progress.status is None:
                self._defer(RECOVERY_CHECK, self._check_recovery)
                return
            recovered[ref] = snapshot.progress.seen_at or snapshot.at.unix
        self._outage.affected.clear()
        if not recovered:
            return
        self.write()
        length = max(0.0, max(recovered.values()) - self._outage.began)
        if self._several or length >= SHORT_OUTAGE:
            refs = list(recovered) if self._several else ()
            self._write(Line(Level.INFO, responding_again(length), time.time(), refs))
