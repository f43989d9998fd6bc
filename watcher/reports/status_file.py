"""The result so far in a file that other programs may read at any time."""

from __future__ import annotations

import time
from pathlib import Path

from watcher.core.events import Event, Heartbeat
from watcher.core.exit_codes import Result
from watcher.reports.files import remove_or_empty, replace_file
from watcher.reports.report import Report
from watcher.reports.results import ResultBuilder
from watcher.reports.stream import Defer

_PAUSE = 20.0
"""Pause after a write, as a multiple of its duration, so that a large fleet spends 5 % of its time on it."""

_MAX_PAUSE = 20.0
"""Seconds; one slow write must not delay the next one for long."""


class StatusFile(Report):
    """Rewrite the file after each change; changes at the same time share one write.

    ``builder`` receives each event before this report does.
    """

    def __init__(self, path: Path, builder: ResultBuilder, defer: Defer) -> None:
        self.name = f"--status-file {path}"
        self._path = path
        self._builder = builder
        self._defer = defer
        self._paused_until = 0.0
        self._is_due = False
        self._failure: OSError | None = None

    def discard_earlier_result(self) -> None:
        remove_or_empty(self._path)  # readers expect JSON

    def receive(self, event: Event) -> None:
        """Schedule a write, except for a heartbeat; raise the error of an earlier write."""
        failure, self._failure = self._failure, None
        if not self._is_due and not isinstance(event, Heartbeat):
            self._is_due = True
            self._defer(max(0.0, self._paused_until - time.monotonic()), self._write_due)
        if failure is not None:
            raise failure

    def finish(self, result: Result) -> None:
        self._is_due = False
        self._write(result)

    def _write_due(self) -> None:
        if not self._is_due:
            return
        self._is_due = False
        started = time.monotonic()
        try:
            self._write()
        except OSError as error:
            self._failure = error
        ended = time.monotonic()
        self._paused_until = ended + min(_MAX_PAUSE, _PAUSE * (ended - started))

    def _write(self, result: Result | None = None) -> None:
        replace_file(self._path, b"".join([*self._builder.encode(result), b"\n"]))
