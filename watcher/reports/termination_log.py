"""The termination message of a container, which ``kubectl describe pod`` shows."""

from __future__ import annotations

from pathlib import Path

from watcher.core.exit_codes import ExitCodes, Result
from watcher.reports.files import empty_or_remove, write_file
from watcher.reports.report import Report

MAX_BYTES = 4096
"""Kubernetes keeps this much of the message (Kubernetes, "Determine the Reason for Pod Failure")."""

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}".encode()


class TerminationLog(Report):
    """Write the result as soon as it is known, in place, because Kubernetes mounts the file."""

    def __init__(self, path: Path, codes: ExitCodes) -> None:
        self.name = f"--termination-log {path}"
        self._path = path
        self._codes = codes

    def discard_earlier_result(self) -> None:
        empty_or_remove(self._path)

    def finish(self, result: Result) -> None:
        write_file(self._path, termination_message(result, self._codes))


def termination_message(result: Result, codes: ExitCodes) -> bytes:
    """Return the message of the result, then that of each of several imports, failures first, as UTF-8."""
    ends = sorted(result.ends, key=lambda end: (codes.code_of(end) == 0, end.left_behind))
    lines = [f"{end.message} ({end.ref})" for end in ends]
    if not lines:
        lines = [f"watcher: {result.message}"]
    elif len(lines) > 1:
        lines.insert(0, result.message)
    message = "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
    if len(message) <= MAX_BYTES:
        return message
    return message[: MAX_BYTES - len(_ELLIPSIS)].decode(errors="ignore").encode() + _ELLIPSIS
