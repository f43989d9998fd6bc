"""For single looks that follow each other: tells what ended otherwise than the last one told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from watcher.core.events import Ended, Heartbeat, Watching
from watcher.core.messages.progress import Level
from watcher.reports.results import text_line
from watcher.reports.stdout import TextOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion
    from watcher.core.model import ImportRef
    from watcher.reports.plain import Log
    from watcher.reports.results import Ledger
    from watcher.reports.stream import Stream

    IsNews = Callable[[Ended], bool]

EVENTS_KEPT = 100
"""The latest of each import, until it is known whether they are told."""


class LogOfChanges:
    """Holds back what a log would tell of each import until its end shows whether that is news.

    Args:
        log: What tells it then.
        is_news: Tells whether an end differs from what the last look told.
    """

    def __init__(self, log: Log, is_news: IsNews) -> None:
        self._log = log
        self._is_news = is_news
        self._events: dict[ImportRef, deque[Event]] = {}
        self._sentences: list[tuple[Level, str, str]] = []
        self._told = False

    def receive(self, event: Event) -> None:
        """Holds an event back, or tells what was held back; what only says that a look goes on is dropped."""
        if isinstance(event, Watching | Heartbeat):
            return
        self._events.setdefault(event.ref, deque(maxlen=EVENTS_KEPT)).append(event)
        if isinstance(event, Ended):
            events = self._events.pop(event.ref)
            if self._is_news(event):
                self._told = True
                self._say_what_was_held_back()
                for held_back in events:
                    self._log.receive(held_back)

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:
        """Sums the imports up if there was news of any."""
        if self._told:
            self._log.conclude(conclusion, ends)

    def say(self, level: Level, name: str, message: str) -> None:
        """Tells a trouble at once, which is always news; hints and progress wait for some."""
        if self._told or (level >= Level.WARNING and name != "hint"):
            self._log.say(level, name, message)
        else:
            self._sentences.append((level, name, message))

    def _say_what_was_held_back(self) -> None:
        sentences, self._sentences = self._sentences, []
        for level, name, message in sentences:
            self._log.say(level, name, message)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._log.close()


class TextOfChanges(TextOutput):
    """Standard output: one line for each import of which there is news.

    Args:
        stream: Where to.
        ledger: What is known.
        is_news: Tells whether an end differs from what the last look told.
    """

    def __init__(self, stream: Stream, ledger: Ledger, is_news: IsNews) -> None:
        super().__init__(stream, ledger)
        self._is_news = is_news

    def _write(self) -> None:
        for end in self._ledger.ends:
            if self._is_news(end):
                self._stream.write_line(text_line(end))
