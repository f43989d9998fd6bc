"""The result as environment variables: for ``-- COMMAND``, and for GitLab's dotenv reports."""

from __future__ import annotations

import re
from pathlib import Path

from watcher.core.events import Ended, Event
from watcher.core.exit_codes import Result
from watcher.reports.files import write_file
from watcher.reports.report import Report

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def variables(result: Result) -> dict[str, str]:
    """Return the variables of a result; the status is empty if none was seen."""
    return {
        "WATCHER_OUTCOME": result.outcome,
        "WATCHER_LAST_STATUS": result.status or "",
        "WATCHER_RESULT_CODE": str(result.code),
    }


class Dotenv(Report):
    """Write the variables to a file, one ``NAME=value`` a line."""

    def __init__(self, path: Path) -> None:
        self.name = f"--dotenv {path}"
        self._path = path
        self._is_emptied = False

    def receive(self, event: Event) -> None:
        """Empty the file of an earlier run while the watch lasts: if this run is killed, it has no result."""
        if not (self._is_emptied or isinstance(event, Ended)):
            self._is_emptied = True
            if self._path.is_file():  # a pipe may have no reader yet
                write_file(self._path, b"")

    def finish(self, result: Result) -> None:
        """Write the file, safe to be sourced by a shell: an unknown status may contain anything."""
        lines = [f"{name}={_UNSAFE.sub('_', value)}\n" for name, value in variables(result).items()]
        write_file(self._path, "".join(lines).encode())
