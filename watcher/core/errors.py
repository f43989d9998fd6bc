"""The errors that this package raises.

::

    WatcherError
    ├── UsageError      the caller asked for something that cannot be; nothing was requested from the network
    └── CommandError    the command that should run after a success cannot; carries the exit code of a shell

A failed wait is no error but an outcome: an exception would lose the answer that the caller waited for.
"""


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
