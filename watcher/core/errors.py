"""The errors of this package.

Within a watch a failed wait is an event, not an error. Only ``wait`` raises it as a ``WaitError``, because a
caller that ignores a return value would deploy after a stopped import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.events import Ended


class WatcherError(Exception):
    """The base class of all errors of this package."""


class UsageError(WatcherError):
    """Invalid arguments, environment or configuration; nothing was requested from the network."""


class CommandError(WatcherError):
    """The command after ``--`` cannot be run or is not found; ``code`` is a shell's exit code for this."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class BusyError(WatcherError):
    """Another run is using the state file; retry later."""


class WaitError(WatcherError):
    """A wait ended without success; ``ended`` is its last event, with the last status and all transitions."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended = ended

    def __str__(self) -> str:
        """Return the final message and the target."""
        return f"{self.ended.message} ({self.ended.ref})"
