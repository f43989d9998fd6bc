"""One watch of imports: its events, its progress and its interruption."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence

from watcher.core.events import Event, Heartbeat, Progress
from watcher.core.fleet.group import Group
from watcher.core.model import ImportRef
from watcher.core.policy import Terms
from watcher.core.wait.saved import SavedState
from watcher.loop.loop import Loop
from watcher.loop.outbox import Outbox, Save

_NOTHING_SAVED = SavedState()


class Watch:
    """A watch of imports, each named once, which begins with the iteration over its events.

    Args:
        loop: The loop, whose requests and rate limiter it shares.
        refs: The imports.
        terms: The settings.
        saved: What earlier runs saved.
        announced: The imports whose ``Watching`` an earlier run has reported, so that this one does not.
        save: Called with events and the current hold before they are reported.
    """

    def __init__(
        self,
        loop: Loop,
        refs: Sequence[ImportRef],
        terms: Terms,
        *,
        saved: SavedState = _NOTHING_SAVED,
        announced: Collection[ImportRef] = (),
        save: Save | None = None,
    ) -> None:
        self._loop = loop
        self._refs = refs
        self._terms = terms
        self._saved = saved
        self._announced = announced
        self._outbox = Outbox(save, loop.clock)
        self._group: Group | None = None
        self._signal: int | None = None

    @property
    def wakes_at(self) -> float:
        """When the loop continues at the latest, on the monotonic clock in seconds."""
        return self._loop.wakes_at

    def interrupt(self, signal: int) -> None:
        """End every unfinished wait as interrupted by this signal; call it in the loop's thread."""
        self._signal = signal
        if self._group is not None:
            self._loop.deliver(self._group, self._group.interrupt(signal, self._loop.clock()))

    def snapshot(self, ref: ImportRef) -> Heartbeat | None:
        """Return an import's present state as a heartbeat; None if its wait is not in progress."""
        return None if self._group is None else self._group.snapshot(ref, self._loop.clock())

    def progress(self) -> dict[ImportRef, Progress]:
        """Return the progress of every unfinished wait, including polls that caused no event."""
        return {} if self._group is None else self._group.progress(self._loop.clock())

    async def events(self) -> AsyncGenerator[Event, None]:
        """Watch until every wait has ended, and yield the events in the order in which they happened.

        If nobody reads them, the imports are not polled after ``UNREAD_LIMIT`` unread events, or three
        for each import if that is more. A deadline that passes
        meanwhile applies after one more poll.

        Raises:
            WatcherError: The loop was closed.
        """
        loop, outbox = self._loop, self._outbox
        group = self._group = loop.join(self._terms, outbox)
        try:
            begun = group.begin(self._refs, self._saved, self._announced, loop.clock())
            loop.deliver(group, begun)
            if self._signal is not None:
                self.interrupt(self._signal)
            while True:
                for event in outbox.read():
                    yield event
                if group.over and outbox.is_empty:
                    return
                if outbox.error is not None:
                    raise outbox.error
                if group.paused:
                    group.resume(loop.clock())
                    loop.wake()
                await outbox.wait()
        finally:
            loop.leave(group)
