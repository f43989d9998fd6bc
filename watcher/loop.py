"""The loop: poll each import when due, and yield the events. The only place that waits between polls."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from random import Random

from watcher.api.in_flight import InFlight, Probe
from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Event, Heartbeat, Progress
from watcher.core.fleet.fleet import Fleet
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Terms
from watcher.core.wait.saved import SavedState

Save = Callable[[Sequence[Event], Hold | None, Instant], None]


PAUSE_AFTER_SAVE = 50.0
"""Pause after a save, as a multiple of its duration (limits saving to 2 % of the time)."""

SHORT_SAVE = 0.01
"""Longest save in seconds that needs no pause: one of a few imports is shorter."""

LONGEST_PAUSE = 1.0
"""Longest time in seconds that an event waits for a save."""

_NOTHING_SAVED = SavedState()


def system_clock() -> Instant:
    """Return the time of the running loop's clock and of the wall clock."""
    return Instant(asyncio.get_running_loop().time(), time.time())


class Watch:
    """A watch of imports of one base URI, each named once.

    The monotonic part of ``clock`` is that of the running loop. ``save`` is called with events and the
    current hold before they are reported, ``warn`` at most once, with a time in a response that is ignored.
    ``wakes_at`` is when the loop continues at the latest, on the monotonic clock in seconds.
    """

    def __init__(
        self,
        refs: Sequence[ImportRef],
        terms: Terms,
        probe: Probe,
        random: Random,
        clock: Callable[[], Instant] = system_clock,
        *,
        saved: SavedState = _NOTHING_SAVED,
        save: Save | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._fleet = Fleet(refs, terms, random, saved, warn)
        self._clock = clock
        self._unsaved = _Unsaved(save, clock)
        self._wake = asyncio.Event()
        self._in_flight = InFlight(probe, clock, terms.request_timeout, self._wake.set)
        self._signal: int | None = None
        self.wakes_at = math.inf

    def interrupt(self, signal: int) -> None:
        """End every unfinished wait as interrupted by this signal; call it in the loop's thread."""
        self._signal = signal
        self._wake.set()

    def snapshot(self, ref: ImportRef) -> Heartbeat | None:
        """Return an import's present state as a heartbeat; None if its wait is not in progress."""
        return self._fleet.snapshot(ref, self._clock())

    def progress(self) -> dict[ImportRef, Progress]:
        """Return the progress of every unfinished wait, including polls that caused no event."""
        return self._fleet.progress(self._clock())

    async def events(self) -> AsyncGenerator[Event, None]:
        """Watch until every wait has ended, and yield the events in the order in which they happened."""
        try:
            for event in self._unsaved.save(self._fleet.begin(self._clock()), self._fleet):
                yield event
            while not self._fleet.over:
                for event in self._unsaved.save(self._turn(), self._fleet):
                    yield event
                await self._sleep()
        finally:
            await self._in_flight.close()

    def _turn(self) -> Iterator[Event]:
        """Do everything that can be done without waiting."""
        fleet, in_flight = self._fleet, self._in_flight
        for scheduled, answer, sent_at, arrived in in_flight.collect():
            yield from fleet.receive(scheduled, answer, sent_at, arrived)
        now = self._clock()
        if self._signal is not None:
            yield from fleet.interrupt(self._signal, now)
            return
        due = fleet.take_due(now, in_flight.capacity)
        for scheduled in due.to_poll:
            in_flight.send(scheduled)
        yield from fleet.end(due.expired, now)
        yield from fleet.heartbeat(now)

    async def _sleep(self) -> None:
        in_flight = self._in_flight
        if in_flight.has_finished or self._signal is not None or self._fleet.over:
            return
        next_wakeup = self._fleet.next_wakeup(self._clock().monotonic, can_send=in_flight.capacity > 0)
        soonest = min(next_wakeup, self._unsaved.due)
        self.wakes_at = min(soonest, in_flight.next_timeout)
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(soonest if math.isfinite(soonest) else None):
                await self._wake.wait()


class _Unsaved:
    """Holds events back until they are saved.

    A save rewrites the whole state file, which takes long for thousands of imports. During the pause after
    it, polls continue and their events wait.
    """

    def __init__(self, save: Save | None, clock: Callable[[], Instant]) -> None:
        self._save = save
        self._clock = clock
        self._events: list[Event] = []
        self._paused_until = -math.inf
        self.due = math.inf

    def save(self, events: Iterator[Event], fleet: Fleet) -> Iterable[Event]:
        """Save new events and those held back, and return them; hold them back during a pause."""
        if self._save is None:
            return events
        self._events += events
        now = self._clock()
        if now.monotonic < self._paused_until and not fleet.over:
            self.due = self._paused_until
            return ()
        saved, self._events = self._events, []
        self._save(saved, fleet.hold, now)
        ended = self._clock().monotonic
        took = ended - now.monotonic
        if took > SHORT_SAVE:
            self._paused_until = ended + min(PAUSE_AFTER_SAVE * took, LONGEST_PAUSE)
        self.due = math.inf
        return saved
