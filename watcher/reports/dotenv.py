"""The result as environment variables: for ``-- COMMAND``, and for GitLab's dotenv reports."""

from __future__ import annotations

import re
from pathlib import Path

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

    def finish(self, result: Result) -> None:
        """Write the file, safe to be sourced by a shell: an unknown status may contain anything."""
        lines = [f"{name}={_UNSAFE.sub('_', value)}\n" for name, value in variables(result).items()]
        write_file(self._path, "".join(lines).encode())
