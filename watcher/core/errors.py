"""The errors of this package.

::

    WatcherError
    ├── UsageError      invalid arguments or configuration; nothing was requested from the network
    ├── CommandError    the command to run after a success cannot be run; carries a shell's exit code
    ├── BusyError       another run is using the state file; nothing was requested from the network
    └── WaitError       a wait ended without success; carries its ``Ended`` event

Within a watch a failed wait is an event, not an error. Only ``wait`` raises it, because a caller that ignores
a return value would deploy on an import that was stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.events import Ended


class WatcherError(Exception):
    """The base class of all errors of this package."""


class UsageError(WatcherError):
    """Invalid arguments, environment or configuration; the message names the setting and a valid example."""


class CommandError(WatcherError):
    """The command after ``--`` cannot be run or is not found.

    Args:
        message: What is wrong.
        code: The exit code of a shell in this case.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class BusyError(WatcherError):
    """Another run is using the state file; retry later."""


class WaitError(WatcherError):
    """A wait ended without success.

    Args:
        ended: Its last event, with the last status and all transitions in ``ended.progress``.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended = ended

    def __str__(self) -> str:
        """Return the target and the final message."""
        return f"{self.ended.ref}: {self.ended.message}"
