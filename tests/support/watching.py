"""A watch with a loop of its own, for tests of one group of imports."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from watcher.core.wait.saved import SavedState
from watcher.loop.loop import Loop, system_clock
from watcher.loop.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from random import Random

    from watcher.api.in_flight import Probe
    from watcher.core.events import Event
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Terms
    from watcher.loop.outbox import Save

_NOTHING_SAVED = SavedState()


class SingleWatch:
    """One watch and its loop; the arguments are those of ``Loop`` and ``Loop.watch``."""

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
    ) -> None:
        self._loop = Loop(probe, random, clock, request_timeout=terms.request_timeout)
        self._watch = Watch(self._loop, refs, terms, saved=saved, save=save)
        self.interrupt = self._watch.interrupt

    @property
    def wakes_at(self) -> float:
        """When the loop continues at the latest."""
        return self._loop.wakes_at

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield all events."""
        async with self._loop, aclosing(self._watch.events()) as events:
            async for event in events:
                yield event
