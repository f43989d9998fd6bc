"""Standard error as lines for people."""

from __future__ import annotations

import time

from watcher.core.events import Ended, Event, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, level_of, level_of_outcome, line_of, outcome_threshold
from watcher.core.statuses import SUCCESSES
from watcher.reports.report import Notice, Report
from watcher.reports.stream import Stream


class PlainLog(Report):
    """Write one line for each change, with the time of day; only outcomes if ``quiet``.

    With ``several`` imports each line names its import.
    """

    name = "progress on standard error"

    def __init__(self, stream: Stream, level: Level, *, several: bool, quiet: bool) -> None:
        self._stream = stream
        self._level = level
        self._several = several
        self._quiet = quiet

    def receive(self, event: Event) -> None:
        """Write the event, unless it is a repetition."""
        is_outcome, level = isinstance(event, Ended), level_of(event)
        line = line_of(event) if is_outcome or not self._quiet else None
        if line is None:
            return
        # A failure may be the only line, so it always names its import.
        must_name_import = self._several or (is_outcome and level > Level.INFO)
        if must_name_import and not isinstance(event, Watching):
            line = f"{event.ref}: {line}"
        self._write(level, line, event.at.unix, is_outcome=is_outcome)

    def finish(self, result: Result) -> None:
        """Summarize several imports; explain the exit code of a success if it is not 0."""
        if not result.ends:
            self._stream.write_line(f"watcher: {result.message}")
        elif self._several:
            level = level_of_outcome(result.outcome, result.code)
            self._write(level, result.message, time.time(), is_outcome=True)
        elif result.outcome in SUCCESSES and result.code != 0:
            line = f"{result.ends[0].ref}: {result.outcome}: exit code {result.code}, set by --exit-code"
            self._write(Level.ERROR, line, time.time())

    def notify(self, notice: Notice) -> None:
        """Write the message, unless it is progress and ``quiet``."""
        if self._quiet and notice.level <= Level.INFO:
            return
        self._write(notice.level, notice.message, time.time())

    def close(self) -> None:
        """Wait for the reader of standard error."""
        self._stream.drain()

    def _write(self, level: Level, text: str, at: float, *, is_outcome: bool = False) -> None:
        if level >= (outcome_threshold(self._level) if is_outcome else self._level):
            clock = time.strftime("%H:%M:%S", time.localtime(at))
            prefix = "" if level is Level.INFO else f"{level.name.lower()}: "
            self._stream.write_line(f"{clock} {prefix}{text}")
