"""The result as environment variables: for a command that follows, and for GitLab's dotenv reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watcher.reports.files import write_file
from watcher.reports.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.exit_codes import Result

_NOT_PLAIN = re.compile(r"[^\w.-]", re.ASCII)


def variables(result: Result) -> dict[str, str]:
    """Tells the result in a few variables.

    Args:
        result: How the watch ended.

    Returns:
        Names and values; the status is empty where none was seen.
    """
    return {
        "WATCHER_OUTCOME": result.outcome,
        "WATCHER_LAST_STATUS": result.status or "",
        "WATCHER_RESULT_CODE": str(result.code),
    }


class Dotenv(Report):
    """Writes the variables as lines of a file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"--dotenv {path}"
        self._path = path

    def finish(self, result: Result) -> None:
        """Writes the file."""
        # Some have a shell read the file, to which an unknown status may be anything.
        plain = {name: _NOT_PLAIN.sub("_", value) for name, value in variables(result).items()}
        lines = [f"{name}={value}\n" for name, value in plain.items()]
        write_file(self._path, "".join(lines).encode())
