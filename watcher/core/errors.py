"""The errors that this package raises.

::

    WatcherError
    ├── UsageError      the caller asked for something that cannot be; nothing was requested from the network
    ├── CommandError    the command that should run after a success cannot; carries the exit code of a shell
    ├── BusyError       another run is using the state file; nothing was requested from the network
    └── WaitError       a wait ended without what was waited for; keeps its end, with all that was seen

Inside a watch a failed wait is no error but an event: only ``wait`` turns it into one, because a caller that
forgets to look at a return value would deploy on an import that was stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.events import Ended


class WatcherError(Exception):
    """The root of all errors of this package."""


class UsageError(WatcherError):
    """Bad arguments, environment or configuration; the message names the option and a right example."""


class CommandError(WatcherError):
    """The command after ``--`` cannot be run or is not found.

    Args:
        message: What is wrong.
        code: What a shell would exit with.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class BusyError(WatcherError):
    """Another run is using the state file; a later one may find it free."""


class WaitError(WatcherError):
    """A wait ended in another way than was asked for.

    Args:
        ended: How, with the last status and all transitions in ``ended.progress``.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended = ended

    def __str__(self) -> str:
        """Says what happened to which import, and what the person can do next."""
        return f"{self.ended.ref}: {self.ended.message}"
