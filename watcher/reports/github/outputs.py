"""What a step of GitHub Actions leaves behind: outputs for later steps, and a summary on the run's page."""

from __future__ import annotations

import errno
import secrets
from typing import TYPE_CHECKING

import msgspec

from watcher.reports.files import append_to_file
from watcher.reports.github.summary import MOST_ROWS, step_summary
from watcher.reports.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.exit_codes import Result
    from watcher.reports.documents import ResultDocument
    from watcher.reports.results import ResultBuilder

LIMIT = 1024 * 1024
"""Bytes of an output and of a step's summary; the runner drops a longer summary as a whole (actions/runner,
``FileCommandManager.cs``), and counts an output in UTF-16."""


class GithubOutput(Report):
    """Appends the result to the file of a step's outputs.

    Args:
        path: The file that ``$GITHUB_OUTPUT`` names.
        builder: What is known.
    """

    name = "$GITHUB_OUTPUT"

    def __init__(self, path: Path, builder: ResultBuilder) -> None:
        self._path = path
        self._builder = builder

    def finish(self, result: Result) -> None:
        """Writes the outputs.

        Raises:
            OSError: The file cannot be written, or the result is too large for an output.
        """
        write_outputs(self._path, result, self._builder.document(result))


def write_outputs(path: Path, result: Result, document: ResultDocument) -> None:
    """Appends a step's outputs to their file.

    Args:
        path: The file.
        result: How the watch ended.
        document: Its result.

    Raises:
        OSError: The file cannot be written, or the result is too large for an output.
    """
    values = {
        "outcome": str(result.outcome),
        "status": str(result.status or ""),
        "exit-code": str(result.code),
        "elapsed-seconds": str(document.elapsed_s),
    }
    encoded = msgspec.json.encode(document).decode()
    fits = len(encoded.encode("utf-16-le")) <= LIMIT
    if fits:
        values["result"] = encoded
    assignments = "".join(_assignment(name, value) for name, value in values.items())
    append_to_file(path, assignments.encode())
    if not fits:
        raise OSError(errno.EFBIG, "the output `result` would be over 1 MiB; take it from --output json")


class GithubSummary(Report):
    """Appends a page to a step's summary.

    Args:
        path: The file that ``$GITHUB_STEP_SUMMARY`` names.
        builder: What is known.
    """

    name = "$GITHUB_STEP_SUMMARY"

    def __init__(self, path: Path, builder: ResultBuilder) -> None:
        self._path = path
        self._builder = builder

    def finish(self, result: Result) -> None:
        """Write the page.

        Raises:
            OSError: The file cannot be written, or has no room left.
        """
        if not result.ends:
            return
        try:
            taken = self._path.stat().st_size
        except FileNotFoundError:
            taken = 0
        append_to_file(self._path, _fitting_summary(self._builder.document(result), LIMIT - taken).encode())


def _fitting_summary(document: ResultDocument, room: int) -> str:
    """Shows as many imports one by one as there is room for."""
    rows = MOST_ROWS
    while rows:
        text = step_summary(document, rows)
        if len(text.encode()) <= room:
            return text
        rows //= 2
    raise OSError(errno.EFBIG, "a summary of more than 1 MiB would be dropped")


def _assignment(name: str, value: str) -> str:
    """Sets an output with a delimiter that nobody can guess, so that no value can set another output."""
    delimiter = secrets.token_hex(16)
    while delimiter in value:
        delimiter = secrets.token_hex(16)
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
