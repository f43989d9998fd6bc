"""Poll each import when it is due, and pass on the events."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Iterable
from random import Random
from typing import Self

from watcher.api.in_flight import InFlight, Probe
from watcher.core.errors import WatcherError
from watcher.core.events import Event
from watcher.core.fleet.fleet import Fleet
from watcher.core.fleet.group import Group
from watcher.core.model import Instant
from watcher.core.policy import Terms
from watcher.loop.outbox import Outbox

UNREAD_LIMIT = 100
"""Unread events after which a watch is not polled, or three for each import, if that is more."""

CLOSED = "the Watcher is closed"


def system_clock() -> Instant:
    """Return the time of the running loop's clock and of the wall clock."""
    return Instant(asyncio.get_running_loop().time(), time.time())


async def finish(cleanup: Coroutine[None, None, None]) -> None:
    """Wait until a cleanup has ended; a cancellation of the caller takes effect only then."""
    task = asyncio.create_task(cleanup)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    await task


class Loop:
    """Poll the imports of one base URI and token for any number of watches, while the context lasts.

    The watches share the requests in flight and the rate limiter. If the loop has a defect, or a function of
    the program raises an exception such as SystemExit, all present watches raise it, and later ones start
    over. ``wakes_at`` is when the loop continues at the latest, on the monotonic clock in seconds.

    Args:
        probe: Sends one request.
        random: The source of all jitter.
        clock: Both clocks; the monotonic one is that of the running event loop.
        request_timeout: Longest request in seconds.
        warn: Called at most once, with a message about a time in a response that is ignored.
    """

    def __init__(
        self,
        probe: Probe,
        random: Random,
        clock: Callable[[], Instant] = system_clock,
        *,
        request_timeout: float = math.inf,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.clock = clock
        self.wakes_at = math.inf
        self._wake = asyncio.Event()
        self._fleet = Fleet(random, warn)
        self._in_flight = InFlight(probe, clock, request_timeout, self._wake.set)
        self._outboxes: dict[Group, Outbox] = {}
        self._saving: dict[Group, Outbox] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start the loop."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop the loop and cancel its requests; watches that are not over raise ``WatcherError``."""
        await finish(self._close())

    def join(self, terms: Terms, outbox: Outbox) -> Group:
        """Return a new group; its events go to ``outbox``.

        Raises:
            WatcherError: The loop is closed.
        """
        if self._task is None or self._task.done():
            raise WatcherError(CLOSED)
        group = self._fleet.join(terms)
        self._outboxes[group] = outbox
        if outbox.saves:
            self._saving[group] = outbox
        return group

    def deliver(self, group: Group, events: Iterable[Event]) -> None:
        """Pass on events that did not happen in the loop, and let the loop continue."""
        self._put((group, event) for event in events)
        self._save()
        self.wake()

    def leave(self, group: Group) -> None:
        """Withdraw a group: send no further request for it, and cancel those that nobody else needs."""
        self._outboxes.pop(group, None)
        self._saving.pop(group, None)
        self._fleet.withdraw(group)
        self._cancel_abandoned()

    def wake(self) -> None:
        """Wake the loop up, because something has changed."""
        self._wake.set()

    async def _run(self) -> None:
        try:
            while True:
                await self._run_until_defect()
        finally:
            self._fail(WatcherError(CLOSED))

    async def _run_until_defect(self) -> None:
        try:
            while True:
                self._wake.clear()
                self._turn()
                await self._sleep()
        except asyncio.CancelledError:  # the loop was closed
            raise
        except BaseException as error:  # noqa: BLE001 (every watch raises it)
            self._fleet = self._fleet.successor()
            self._fail(error)
            await self._in_flight.close()
            await self._wake.wait()

    def _turn(self) -> None:
        """Do everything that can be done without waiting."""
        fleet, in_flight = self._fleet, self._in_flight
        for poll, answer, sent_at, arrived in in_flight.collect():
            self._put(fleet.receive(poll, answer, sent_at, arrived))
        now = self.clock()
        due = fleet.take_due(now, in_flight.capacity)
        for poll in due.to_poll:
            in_flight.send(poll)
        self._put(fleet.end(due.expired, now))
        self._put(fleet.heartbeats(now))
        self._cancel_abandoned()
        self._save()

    async def _sleep(self) -> None:
        can_send = self._in_flight.capacity > 0
        next_wakeup = self._fleet.next_wakeup(self.clock().monotonic, can_send=can_send)
        soonest = min([next_wakeup, *(outbox.resumes_at for outbox in self._saving.values())])
        self.wakes_at = min(soonest, self._in_flight.next_timeout)
        timer = None
        if math.isfinite(soonest):
            timer = asyncio.get_running_loop().call_at(soonest, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _put(self, events: Iterable[tuple[Group, Event]]) -> None:
        for group, event in events:
            outbox = self._outboxes[group]
            outbox.put(event)
            if len(outbox) >= max(UNREAD_LIMIT, 3 * group.size) and not group.paused:
                group.pause()

    def _save(self) -> None:
        for group, outbox in self._saving.items():
            outbox.save(self._fleet.hold, is_last=group.over)

    def _cancel_abandoned(self) -> None:
        for poll in self._fleet.take_abandoned():
            self._in_flight.cancel(poll)

    def _fail(self, error: BaseException) -> None:
        for outbox in self._outboxes.values():
            outbox.fail(error)
        self._outboxes.clear()
        self._saving.clear()

    async def _close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._in_flight.close()
