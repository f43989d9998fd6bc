"""Standard error in a GitLab job: progress in collapsible sections."""

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
    """Put progress into sections; errors and results stay visible when these are collapsed.

    Args:
        log: Writes the lines.
        stream: Where ``log`` writes, for the section markers.
        several: Whether there are several imports, so that the success of one is only progress.
        clock: The wall clock, in Unix seconds.
    """

    def __init__(self, log: Report, stream: Stream, *, several: bool, clock: Clock = time.time) -> None:
        self.name = log.name
        self._log = log
        self._stream = stream
        self._several = several
        self._clock = clock
        self._section: str | None = None

    def receive(self, event: Event) -> None:
        """Pass the event on, inside a section if it is progress."""
        if isinstance(event, Ended) and (not self._several or level_of(event) > Level.INFO):
            self._end_section()
        elif line_of(event) is not None:
            self._begin_section()
        self._log.receive(event)

    def finish(self, result: Result) -> None:
        """Pass the result on, outside the section."""
        self._end_section()
        self._log.finish(result)

    def notify(self, notice: Notice) -> None:
        """Pass the message on; an error is written outside the section."""
        if notice.level >= Level.ERROR:
            self._end_section()
        self._log.notify(notice)

    def close(self) -> None:
        """End the section, also after a defect."""
        self._end_section()
        self._log.close()

    def _begin_section(self) -> None:
        if self._section is None:
            self._section = (
                f"watcher_{secrets.token_hex(4)}"  # unique in the job, which may run watcher twice
            )
            self._mark("section_start", self._section, "Waiting for LaunchDarkly")

    def _end_section(self) -> None:
        if self._section is not None:
            self._mark("section_end", self._section)
            self._section = None

    def _mark(self, mark: str, section: str, header: str = "") -> None:
        """Write a section marker; GitLab's log viewer shows only the header."""
        at = int(self._clock())
        self._stream.write_line(f"{_ERASE_LINE}{mark}:{at}:{section}\r{_ERASE_LINE}{header}")
