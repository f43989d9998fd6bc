"""Standard error in a job of GitLab: progress in sections that can be collapsed."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from watcher.core.events import Ended
from watcher.core.messages.progress import Level, level_of, line_of
from watcher.reports.report import Report

if TYPE_CHECKING:
    from watcher.core.events import Event
    from watcher.core.exit_codes import Result
    from watcher.reports.plain import Clock
    from watcher.reports.report import Notice
    from watcher.reports.stream import Stream

_ERASE_LINE = "\x1b[0K"


class SectionLog(Report):
    """Puts progress into sections and leaves what must be seen outside of them.

    Whoever collapses the sections still reads every error, and how the watch ended.

    Args:
        log: Tells everything.
        stream: Where the sections' marks go, which is where ``log`` writes.
        several: Whether several imports are watched, so that one that succeeds is only progress.
        clock: The wall clock, in Unix seconds.
    """

    def __init__(self, log: Report, stream: Stream, *, several: bool, clock: Clock = time.time) -> None:
        self.name = log.name
        self._log = log
        self._stream = stream
        self._several = several
        self._clock = clock
        # Two runs of one job must not share a section's name.
        self._prefix = f"watcher_{secrets.token_hex(4)}"
        self._sections = 0
        self._open: str | None = None

    def receive(self, event: Event) -> None:
        """Tells an event."""
        if isinstance(event, Ended) and (not self._several or level_of(event) > Level.INFO):
            self._end_section()
        elif line_of(event) is not None:
            self._begin_section()
        self._log.receive(event)

    def finish(self, result: Result) -> None:
        """Close the section and pass the result on."""
        self._end_section()
        self._log.finish(result)

    def notify(self, notice: Notice) -> None:
        """Pass the message on; an error stands outside of any section."""
        if notice.level >= Level.ERROR:
            self._end_section()
        self._log.notify(notice)

    def close(self) -> None:
        """Ends the section, whatever happened."""
        self._end_section()
        self._log.close()

    def _begin_section(self) -> None:
        if self._open is not None:
            return
        self._sections += 1
        self._open = f"{self._prefix}_{self._sections}"
        self._mark("section_start", self._open, "Waiting for LaunchDarkly")

    def _end_section(self) -> None:
        if self._open is not None:
            self._mark("section_end", self._open, "")
            self._open = None

    def _mark(self, mark: str, section: str, header: str) -> None:
        """Writes GitLab's mark of a section; its log viewer hides all of it but the header."""
        moment = int(self._clock())
        self._stream.write_line(f"{_ERASE_LINE}{mark}:{moment}:{section}\r{_ERASE_LINE}{header}")
