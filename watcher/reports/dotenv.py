"""The result as environment variables: for a command that follows, and for GitLab's dotenv reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watcher.reports.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion

_NOT_PLAIN = re.compile(r"[^\w.-]", re.ASCII)


def variables(conclusion: Conclusion) -> dict[str, str]:
    """Tells the result in a few variables.

    Args:
        conclusion: How the watch ended.

    Returns:
        Names and values; the status is empty where none was seen.
    """
    return {
        "WATCHER_OUTCOME": conclusion.outcome,
        "WATCHER_LAST_STATUS": conclusion.status or "",
        "WATCHER_RESULT_CODE": str(conclusion.code),
    }


class Dotenv:
    """Writes the variables as lines of a file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"--dotenv {path}"
        self._path = path

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:
        """Writes the file."""
        # Some have a shell read the file, to which an unknown status may be anything.
        plain = {name: _NOT_PLAIN.sub("_", value) for name, value in variables(conclusion).items()}
        lines = [f"{name}={value}\n" for name, value in plain.items()]
        write_file(self._path, "".join(lines).encode())
