"""The result as environment variables: for ``-- COMMAND``, and for GitLab's dotenv reports."""

from __future__ import annotations

import re
from pathlib import Path

from watcher.core.exit_codes import Result
from watcher.core.statuses import ImportStatus
from watcher.reports.files import empty_or_remove, write_file
from watcher.reports.report import Report

_UNSAFE = re.compile(r"[^\w.-]|^-", re.ASCII)


def variables(result: Result) -> dict[str, str]:
    """Return the variables of a result, safe in every shell; the status is empty if none was seen."""
    return {
        "WATCHER_OUTCOME": result.outcome,
        "WATCHER_LAST_STATUS": status_word(result.status or ""),
        "WATCHER_RESULT_CODE": str(result.code),
    }


def status_word(status: str) -> str:
    """Return a status as one word without characters that a shell or its ``echo`` interprets.

    An unknown status may contain anything. Its word never looks like a known status.
    """
    word = _UNSAFE.sub("_", status)
    return f"_{word}" if word != status and word in set(ImportStatus) else word


class Dotenv(Report):
    """Write the variables to a file, one ``NAME=value`` a line."""

    def __init__(self, path: Path) -> None:
        self.name = f"--dotenv {path}"
        self._path = path

    def discard_earlier_result(self) -> None:
        empty_or_remove(self._path)

    def finish(self, result: Result) -> None:
        """Write the file, safe to be sourced by a shell."""
        lines = [f"{name}={value}\n" for name, value in variables(result).items()]
        write_file(self._path, "".join(lines).encode())
