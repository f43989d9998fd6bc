"""The events of one watch on their way to its consumer: held back until saved, then kept until read."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Event
from watcher.core.model import Instant

Save = Callable[[Sequence[Event], Hold | None, Instant], None]

PAUSE_AFTER_SAVE = 50.0
"""Pause after a save, as a multiple of its duration (limits saving to 2 % of the time)."""

SHORT_SAVE = 0.01
"""Longest save in seconds that needs no pause: one of a few imports is shorter."""

LONGEST_PAUSE = 1.0
"""Longest time in seconds that an event waits for a save."""


class Outbox:
    """Events that were not read yet.

    A save rewrites the whole state file, which takes long for thousands of imports. During the pause after a
    long one, polls continue and their events wait. ``resumes_at`` is when that pause ends, on the monotonic
    clock in seconds; infinite without a pause.
    """

    def __init__(self, save: Save | None, clock: Callable[[], Instant]) -> None:
        self.error: BaseException | None = None
        self.resumes_at = math.inf
        self._save = save
        self._clock = clock
        self._unsaved: list[Event] = []
        self._unread: deque[Event] = deque()
        self._has_news = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of events that can be read."""
        return len(self._unread)

    @property
    def saves(self) -> bool:
        """Whether events are saved."""
        return self._save is not None

    @property
    def is_empty(self) -> bool:
        """Whether all events were saved and read."""
        return not (self._unsaved or self._unread)

    def put(self, event: Event) -> None:
        """Add an event; if events are saved, it can be read after the next save."""
        if self._save is None:
            self._deliver([event])
        else:
            self._unsaved.append(event)

    def save(self, hold: Hold | None, *, is_last: bool) -> None:
        """Save new events and the hold; a pause holds them back, unless they are the last ones."""
        now = self._clock()
        is_paused = now.monotonic < self.resumes_at < math.inf
        if self._save is None or (is_paused and not is_last):
            return
        events, self._unsaved = self._unsaved, []
        self._save(events, hold, now)
        ended = self._clock().monotonic
        took = ended - now.monotonic
        pause = min(PAUSE_AFTER_SAVE * took, LONGEST_PAUSE) if took > SHORT_SAVE else math.inf
        self.resumes_at = ended + pause
        self._deliver(events)

    def fail(self, error: BaseException) -> None:
        """Let the consumer raise an error after the events that can be read."""
        self.error = error
        self._has_news.set()

    def read(self) -> Iterator[Event]:
        """Remove and yield the events that can be read."""
        while self._unread:
            yield self._unread.popleft()

    async def wait(self) -> None:
        """Wait for more events or an error."""
        self._has_news.clear()
        await self._has_news.wait()

    def _deliver(self, events: Sequence[Event]) -> None:
        self._unread += events
        if events:
            self._has_news.set()
