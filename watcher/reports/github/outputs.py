"""What a step of GitHub Actions leaves behind: outputs for later steps, and a summary on the run's page."""

from __future__ import annotations

import errno
import secrets
from typing import TYPE_CHECKING

import msgspec

from watcher.reports.files import append_to_file
from watcher.reports.github.summary import MOST_ROWS, step_summary

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion
    from watcher.reports.documents import ResultDocument
    from watcher.reports.results import Ledger

LIMIT = 1024 * 1024
"""Bytes of an output and of a step's summary; the runner drops a longer summary as a whole (actions/runner,
``FileCommandManager.cs``), and counts an output in UTF-16."""


class GithubOutput:
    """Appends the result to the file of a step's outputs.

    Args:
        path: The file that ``$GITHUB_OUTPUT`` names.
        ledger: What is known.
    """

    name = "$GITHUB_OUTPUT"

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:
        """Writes the outputs.

        Raises:
            OSError: The file cannot be written, or the result is too large for an output.
        """
        write_outputs(self._path, conclusion, self._ledger.document())


def write_outputs(path: Path, conclusion: Conclusion, document: ResultDocument) -> None:
    """Appends a step's outputs to their file.

    Args:
        path: The file.
        conclusion: How the watch ended.
        document: Its result.

    Raises:
        OSError: The file cannot be written, or the result is too large for an output.
    """
    values = {
        "outcome": str(conclusion.outcome),
        "status": str(conclusion.status or ""),
        "exit-code": str(conclusion.code),
        "elapsed-seconds": str(document.elapsed_s),
    }
    result = msgspec.json.encode(document).decode()
    fits = len(result.encode("utf-16-le")) <= LIMIT
    if fits:
        values["result"] = result
    assignments = "".join(_assignment(name, value) for name, value in values.items())
    append_to_file(path, assignments.encode())
    if not fits:
        raise OSError(errno.EFBIG, "the output `result` would be over 1 MiB; take it from --output json")


class GithubSummary:
    """Appends a page to a step's summary.

    Args:
        path: The file that ``$GITHUB_STEP_SUMMARY`` names.
        ledger: What is known.
    """

    name = "$GITHUB_STEP_SUMMARY"

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:  # noqa: ARG002 (the ledger knows it)
        """Writes the page.

        Raises:
            OSError: The file cannot be written, or has no room left.
        """
        try:
            taken = self._path.stat().st_size
        except FileNotFoundError:
            taken = 0
        append_to_file(self._path, _fitting_summary(self._ledger.document(), LIMIT - taken).encode())


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
