"""Faults and rate limits that imports share, each written in one line for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class _Outage:
    """The imports without a usable response since ``began``, and for which imports each fault was written."""

    began: float = 0.0
    affected: dict[ImportRef, None] = field(default_factory=dict)
    told: dict[str, set[ImportRef]] = field(default_factory=dict)


class Trouble:
    """Write trouble at its beginning and its end; that of several imports is collected for a moment.

    The first import with a fault is named. If others meet the same fault in the same outage, one more line
    gives the number so far, and the line about the end of the outage gives the final number.

    A response that shows no transition is no event, so ``snapshot`` tells whether an import recovered.
    ``waiting`` imports have not ended.
    """

    def __init__(
        self, write: Callable[[Line], None], *, several: bool, snapshot: Snapshot, defer: Defer
    ) -> None:
        self.waiting = 0
        self._write = write
        self._several = several
        self._snapshot = snapshot
        self._defer = defer
        self._outage = _Outage()
        self._faults: dict[ImportRef, Retrying] = {}
        self._throttles: dict[ImportRef, MetThrottle] = {}

    def meet(self, event: Retrying | MetThrottle) -> None:
        """Collect trouble, unless it was written before, and write it as soon as every import has it."""
        is_first = not (self._faults or self._throttles)
        if isinstance(event, MetThrottle):
            if event.in_a_row == 1 or self._throttles:
                self._throttles.setdefault(event.ref, event)
        elif self._is_new(event):
            self._faults.setdefault(event.ref, event)
        if self.waiting in {len(self._faults), len(self._throttles)}:
            self.write()
        elif is_first and (self._faults or self._throttles):
            self._defer(COLLECTING, self.write)

    def recover(self, ref: ImportRef) -> None:
        """Remove an import whose own event says that it recovered or ended."""
        self._outage.affected.pop(ref, None)
        if ref in self._faults:
            self.write()

    def write(self) -> None:
        """Write the collected faults in one line, and the rate limits in another."""
        faults, self._faults = list(self._faults.values()), {}
        throttles, self._throttles = list(self._throttles.values()), {}
        if faults:
            self._write_faults(faults)
        if throttles:
            self._write_first(throttles)

    def _is_new(self, fault: Retrying) -> bool:
        if not self._outage.affected:
            self._outage = _Outage(fault.at.unix)
            self._defer(RECOVERY_CHECK, self._check_recovery)
        self._outage.affected[fault.ref] = None
        told = self._outage.told.get(shape_of(fault.detail), set())
        if not self._several:
            return fault.in_a_row == 1
        return bool(self._faults) or (fault.in_a_row == 1 and fault.ref not in told and len(told) <= 1)

    def _write_faults(self, faults: list[Retrying]) -> None:
        refs = dict.fromkeys(fault.ref for fault in faults)
        for fault in faults:
            told = self._outage.told.setdefault(shape_of(fault.detail), set())
            refs |= dict.fromkeys(told)
            told.add(fault.ref)
        if len(refs) == 1:
            self._write_first(faults)
            return
        text = retrying(summarize(fault.detail for fault in faults))
        so_far = len(refs) < self.waiting
        self._write(Line(Level.WARNING, text, faults[0].at.unix, list(refs), so_far=so_far))

    def _write_first(self, events: list[Retrying] | list[MetThrottle]) -> None:
        refs = [event.ref for event in events] if self._several else []
        line = Line.of(events[0], refs)
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
