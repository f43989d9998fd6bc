"""The loop: asks for every import when it is due, and yields what happens. The one place that sleeps."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from watcher.api.in_flight import InFlight
from watcher.core.fleet.fleet import Fleet
from watcher.core.model import Instant
from watcher.core.wait.saved import SavedState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from random import Random

    from watcher.api.in_flight import Probe
    from watcher.core.answers.rate_limits import Hold
    from watcher.core.events import Event, Heartbeat, Progress
    from watcher.core.model import ImportRef
    from watcher.core.policy import Terms

    Keep = Callable[[Sequence[Event], Hold | None, Instant], None]

_NO_PAST = SavedState()


def system_clock() -> Instant:
    """Reads the running loop's clock and the wall clock.

    Returns:
        The time.
    """
    return Instant(asyncio.get_running_loop().time(), time.time())


class Watch:
    """Watches imports of one base URI to their end.

    Args:
        refs: The imports, each once.
        terms: How they are watched.
        probe: Asks the API once for an import.
        random: The source of jitter.
        clock: Reads the time; its monotonic part is the running loop's.
        past: What an earlier run left.
        keep: Keeps what a later run needs, before any of it is told: events that came together, and the
            present stretch without requests.

    Attributes:
        wakes_at: The moment, on the monotonic clock in seconds, by which it means to go on.
    """

    def __init__(
        self,
        refs: Sequence[ImportRef],
        terms: Terms,
        probe: Probe,
        random: Random,
        clock: Callable[[], Instant] = system_clock,
        *,
        past: SavedState = _NO_PAST,
        keep: Keep | None = None,
    ) -> None:
        self._fleet = Fleet(refs, terms, random, past)
        self._clock = clock
        self._keep = keep
        self._wake = asyncio.Event()
        self._in_flight = InFlight(probe, clock, terms.request_timeout, self._wake.set)
        self._signal: int | None = None
        self.wakes_at = math.inf

    def interrupt(self, signal: int) -> None:
        """Ends the watch soon, every unfinished import as interrupted; called in the loop's thread.

        Args:
            signal: The number of the signal.
        """
        self._signal = signal
        self._wake.set()

    def standing(self, ref: ImportRef) -> Heartbeat | None:
        """Tells how an import stands now, between events; called in the loop's thread.

        Args:
            ref: The import.

        Returns:
            What a heartbeat would tell; None before its wait has begun and after it has ended.
        """
        return self._fleet.standing(ref, self._clock())

    def progress(self) -> dict[ImportRef, Progress]:
        """Tells how far the waits have come that still go on; called in the loop's thread.

        Returns:
            A snapshot of each; a poll that brought no news makes no event, and shows here only.
        """
        return self._fleet.progress(self._clock())

    async def events(self) -> AsyncGenerator[Event, None]:
        """Watches until every import's wait has ended.

        Yields:
            What happens, as it happens; the last are the ends of imports.
        """
        try:
            for event in self._kept(self._fleet.begin(self._clock())):
                yield event
            while not self._fleet.over:
                for event in self._kept(self._turn()):
                    yield event
                await self._sleep()
        finally:
            await self._in_flight.close()

    def _kept(self, happening: Iterator[Event]) -> Iterator[Event]:
        """Has all that happens at once kept before the first of it is told."""
        if self._keep is None:
            return happening
        events = list(happening)
        self._keep(events, self._fleet.hold, self._clock())
        return iter(events)

    def _turn(self) -> Iterator[Event]:
        """Does all that can be done now, without waiting."""
        fleet, in_flight = self._fleet, self._in_flight
        for watched, answer, arrived in in_flight.collect():
            yield from fleet.receive(watched, answer, arrived)
        now = self._clock()
        if self._signal is not None:
            yield from fleet.interrupt(self._signal, now)
            return
        due = fleet.take_due(now, in_flight.capacity)
        for watched in due.asked:
            in_flight.send(watched)
        yield from fleet.end(due.late, now)
        yield from fleet.beat(now)

    async def _sleep(self) -> None:
        in_flight = self._in_flight
        if in_flight.has_finished or self._signal is not None or self._fleet.over:
            return
        soonest = self._fleet.wakes_at(self._clock().monotonic, has_room=in_flight.capacity > 0)
        self.wakes_at = min(soonest, in_flight.next_timeout)
        self._wake.clear()
        try:
            async with asyncio.timeout_at(soonest if math.isfinite(soonest) else None):
                await self._wake.wait()
        except TimeoutError:
            return
