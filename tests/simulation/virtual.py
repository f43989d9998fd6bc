"""Virtual time: an event loop that jumps from timer to timer, and the clocks that read it."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, TypeVarTuple

import async_solipsism  # type: ignore[import-untyped]  # the library ships no types

from watcher.core.model import Instant

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Callable
    from contextvars import Context

SERVER_EPOCH = 1_700_000_003.25
"""Unix time on LaunchDarkly's clock at the start: within a second and within a window."""

_Arguments = TypeVarTuple("_Arguments")

_TICK = 1e-6
_SPINS = 20_000


class StuckError(Exception):
    """The code under test loops without letting time pass."""


class VirtualLoop(async_solipsism.EventLoop):  # type: ignore[misc]  # the library ships no types
    """Round timers up to the library's tick.

    Its clock moves in whole ticks, to the nearest one: a timer between two ticks would fire early and never
    be reached.
    """

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Arguments], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """Schedule a call, never before its time."""
        ticks = math.ceil(when / _TICK)
        if ticks * _TICK < when:  # the division rounded
            ticks += 1
        handle: TimerHandle = super().call_at(ticks * _TICK, callback, *args, context=context)
        return handle

    def work(self, seconds: float) -> None:
        """Let that many seconds pass while a callback runs."""
        self._selector.clock.advance(seconds)


class VirtualClock:
    """Read the watcher's two clocks, of which the wall clock may be wrong.

    Args:
        loop: The running loop.
        skew: How far the watcher's wall clock is ahead of the server's, in seconds.
    """

    def __init__(self, loop: AbstractEventLoop, skew: float) -> None:
        self._loop = loop
        self._skew = skew
        self._last = -1.0
        self._spins = 0

    def __call__(self) -> Instant:
        """Reads them.

        Raises:
            StuckError: They were read without end while time stood still.
        """
        now = self._loop.time()
        self._spins = self._spins + 1 if now == self._last else 0
        self._last = now
        if self._spins > _SPINS:
            raise StuckError(f"the loop spins at {now:.6f} s without letting time pass")
        return Instant(now, local_unix(now, self._skew))


def server_unix(now: float) -> float:
    """Return LaunchDarkly's wall clock at a time of the loop."""
    return SERVER_EPOCH + now


def local_unix(now: float, skew: float) -> float:
    """Return the watcher's wall clock at a time of the loop."""
    return SERVER_EPOCH + now + skew


def dice(seed: int, purpose: int) -> Random:
    """Return an independent source of randomness for one purpose of one seed."""
    return Random(seed * 16 + purpose)
