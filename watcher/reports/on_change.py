"""For single looks that follow each other: tells what ended otherwise than the last one told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from watcher.core.events import Ended, Heartbeat, Watching
from watcher.core.messages.progress import Level
from watcher.reports.report import Report
from watcher.reports.stdout import TextOutput, text_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.events import Event
    from watcher.core.exit_codes import Result
    from watcher.core.model import ImportRef
    from watcher.reports.report import Notice
    from watcher.reports.results import ResultBuilder
    from watcher.reports.stream import Stream

    IsNews = Callable[[Ended], bool]

EVENTS_KEPT = 100
"""The latest of each import, until it is known whether they are told."""


class LogOfChanges(Report):
    """Holds back what a log would tell of each import until its end shows whether that is news.

    Args:
        log: What tells it then.
        is_news: Tells whether an end differs from what the last look told.
    """

    def __init__(self, log: Report, is_news: IsNews) -> None:
        self.name = log.name
        self._log = log
        self._is_news = is_news
        self._events: dict[ImportRef, deque[Event]] = {}
        self._notices: list[Notice] = []
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

    def finish(self, result: Result) -> None:
        """Pass the result on if any import changed, or if nothing was watched."""
        if self._told or not result.ends:
            self._log.finish(result)

    def notify(self, notice: Notice) -> None:
        """Pass a warning on at once; keep hints and progress until an import has changed."""
        if self._told or (notice.level >= Level.WARNING and notice.name != "hint"):
            self._log.notify(notice)
        else:
            self._notices.append(notice)

    def _say_what_was_held_back(self) -> None:
        notices, self._notices = self._notices, []
        for notice in notices:
            self._log.notify(notice)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._log.close()


class TextOfChanges(TextOutput):
    """Standard output: one line for each import of which there is news.

    Args:
        stream: Where to.
        builder: What is known.
        is_news: Tells whether an end differs from what the last look told.
    """

    def __init__(self, stream: Stream, builder: ResultBuilder, is_news: IsNews) -> None:
        super().__init__(stream, builder)
        self._is_news = is_news

    def _write(self, result: Result) -> None:
        for end in result.ends:
            if self._is_news(end):
                self._stream.write_line(text_line(end))
