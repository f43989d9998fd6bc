"""Standard error in a GitLab job: progress in collapsible sections."""

from __future__ import annotations

import secrets
import time

from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level
from watcher.reports.line import Line
from watcher.reports.plain import PlainLog
from watcher.reports.report import Notice
from watcher.reports.terminal import Tone

_ERASE_LINE = "\x1b[0K"


class SectionLog(PlainLog):
    """Put progress into sections; errors and results stay visible when these are collapsed."""

    _section: str | None = None

    def finish(self, result: Result) -> None:
        """Write the result outside the section."""
        self._flush()
        self._end_section()
        super().finish(result)

    def notify(self, notice: Notice) -> None:
        """Write the message; an error outside the section."""
        if notice.level >= Level.ERROR:
            self._end_section()
        super().notify(notice)

    def close(self) -> None:
        """End the section, also after a defect."""
        self._flush()
        self._end_section()
        super().close()

    def _write(self, line: Line) -> None:
        """Write progress inside a section, and errors and the explanation of an outcome outside."""
        is_result = not self._several and line.tone is Tone.SUCCESS
        if line.is_outcome or is_result:
            self._end_section()
        elif line.level < Level.ERROR:
            self._begin_section()
        super()._write(line)

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
