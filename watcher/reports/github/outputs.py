"""Files of a GitHub Actions step: outputs for later steps, and a summary on the page of the run."""

from __future__ import annotations

import errno
import secrets
from pathlib import Path

from watcher.core.exit_codes import Result
from watcher.reports.documents import to_json
from watcher.reports.files import write_file
from watcher.reports.github.summary import step_summary
from watcher.reports.report import Report
from watcher.reports.results import ResultBuilder

LIMIT = 1024 * 1024
"""Bytes of an output and of a step's summary. The runner drops a longer summary completely (actions/runner,
``FileCommandManager.cs``), and measures an output in UTF-16."""


class GithubOutput(Report):
    """Append the step's outputs to the file that ``$GITHUB_OUTPUT`` names."""

    name = "$GITHUB_OUTPUT"

    def __init__(self, path: Path, builder: ResultBuilder) -> None:
        self._path = path
        self._builder = builder

    def finish(self, result: Result) -> None:
        """Write the outputs; raise OSError if the JSON result is too large to be one."""
        document = self._builder.document(result)
        values = {
            "outcome": result.outcome,
            "status": result.status or "",
            "exit-code": str(result.code),
            "elapsed-seconds": str(document.elapsed_s),
        }
        encoded = to_json(document).decode()
        fits = len(encoded.encode("utf-16-le")) <= LIMIT
        if fits:
            values["result"] = encoded
        assignments = "".join(_assignment(name, value) for name, value in values.items())
        write_file(self._path, assignments.encode(), append=True)
        if not fits:
            raise OSError(
                errno.EFBIG,
                "the output result is over 1 MiB and was left out; the others were written. "
                "Use --output json instead.",
            )


class GithubSummary(Report):
    """Append a summary to the file that ``$GITHUB_STEP_SUMMARY`` names."""

    name = "$GITHUB_STEP_SUMMARY"

    def __init__(self, path: Path, builder: ResultBuilder) -> None:
        self._path = path
        self._builder = builder

    def finish(self, result: Result) -> None:
        """Write the summary of what was watched; raise OSError if GitHub would drop it."""
        if not result.ends:
            return
        used = self._path.stat().st_size if self._path.exists() else 0
        summary = step_summary(self._builder.document(result)).encode()
        if used + len(summary) > LIMIT:
            raise OSError(errno.EFBIG, "GitHub drops a summary of more than 1 MiB")
        write_file(self._path, summary, append=True)


def _assignment(name: str, value: str) -> str:
    """Assign an output with a random delimiter, so that no value can set another output."""
    delimiter = secrets.token_hex(16)
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
