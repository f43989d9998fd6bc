"""The container's last words, which ``kubectl describe pod`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.reports.files import write_file
from watcher.reports.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.exit_codes import ExitCodes, Result

LONGEST_MESSAGE = 4096
"""Bytes that Kubernetes keeps of it (Kubernetes, "Determine the Reason for Pod Failure")."""

_CUT = "\N{HORIZONTAL ELLIPSIS}"


class TerminationLog(Report):
    """Writes how the watch ended, as soon as that is known.

    Args:
        path: The file. Kubernetes mounts it, so it is written in place.
        codes: The exit codes in force.
    """

    def __init__(self, path: Path, codes: ExitCodes) -> None:
        self.name = f"--termination-log {path}"
        self._path = path
        self._codes = codes

    def finish(self, result: Result) -> None:
        """Writes the message."""
        write_file(self._path, last_words(result, self._codes))


def last_words(result: Result, codes: ExitCodes) -> bytes:
    """Says how the watch ended, in as many bytes as Kubernetes keeps.

    Args:
        result: How the whole watch ended.
        codes: The exit codes in force.

    Returns:
        The one import's message, or a line of all and a line for each, those that failed first; UTF-8.
    """
    ends = result.ends
    if not ends:
        return fitting(f"watcher: {result.message}\n")
    if len(ends) == 1:
        return fitting(f"{ends[0].ref}: {ends[0].message}\n")
    failed_first = sorted(ends, key=lambda end: (codes.code(end.outcome, end.signal) == 0, end.left_behind))
    lines = [result.message]
    lines += [f"{end.ref}: {end.message}" for end in failed_first]
    return fitting("\n".join(lines) + "\n")


def fitting(text: str) -> bytes:
    """Cuts a message to what Kubernetes keeps.

    Args:
        text: The message.

    Returns:
        As much of it as there is room for, as UTF-8.
    """
    whole = text.encode(errors="backslashreplace")
    if len(whole) <= LONGEST_MESSAGE:
        return whole
    room = LONGEST_MESSAGE - len(_CUT.encode())
    return whole[:room].decode(errors="ignore").encode() + _CUT.encode()
