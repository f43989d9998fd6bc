"""Standard error in a GitLab job: progress in collapsible sections."""

from __future__ import annotations

import secrets
import time

from watcher.core.messages.progress import Level
from watcher.reports.lines import Kind, Line, LineWriter

_ERASE_LINE = "\x1b[0K"


class SectionWriter(LineWriter):
    """Put progress into sections; errors and results stay visible when these are collapsed."""

    _section: str | None = None

    def write(self, line: Line) -> None:
        """Write progress inside a section; errors, outcomes and the success of all imports outside."""
        is_result = line.kind is Kind.OUTCOME or (line.kind is Kind.SUCCESS and not line.refs)
        if is_result or line.level >= Level.ERROR:
            self._end_section()
        elif self.names:  # the log before the first import is another one, which would not end its section
            self._begin_section()
        super().write(line)

    def finish(self) -> None:
        self._end_section()

    def close(self) -> None:
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
