"""Standard error in a GitLab job: progress in collapsible sections."""

from __future__ import annotations

import secrets
import time

from watcher.core.events import Ended, Event
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, level_of, line_of
from watcher.reports.plain import PlainLog
from watcher.reports.report import Notice

_ERASE_LINE = "\x1b[0K"


class SectionLog(PlainLog):
    """Put progress into sections; errors and results stay visible when these are collapsed."""

    _section: str | None = None

    def receive(self, event: Event) -> None:
        """Write the event, inside a section if it is progress."""
        if isinstance(event, Ended) and (not self._several or level_of(event) > Level.INFO):
            self._end_section()
        elif line_of(event) is not None:
            self._begin_section()
        super().receive(event)

    def finish(self, result: Result) -> None:
        """Write the result outside the section."""
        self._end_section()
        super().finish(result)

    def notify(self, notice: Notice) -> None:
        """Write the message; an error outside the section."""
        if notice.level >= Level.ERROR:
            self._end_section()
        super().notify(notice)

    def close(self) -> None:
        """End the section, also after a defect."""
        self._end_section()
        super().close()

    def _begin_section(self) -> None:
        if self._section is None:
            # Unique in the job, which may run watcher twice.
            self._section = f"watcher_{secrets.token_hex(4)}"
            self._mark("section_start", self._section, "Waiting for LaunchDarkly")

    def _end_section(self) -> None:
        if self._section is not None:
            self._mark("section_end", self._section)
            self._section = None

    def _mark(self, mark: str, section: str, header: str = "") -> None:
        """Write a section marker; GitLab's log viewer shows only the header."""
        at = int(time.time())
        self._stream.write_line(f"{_ERASE_LINE}{mark}:{at}:{section}\r{_ERASE_LINE}{header}")
