"""The errors that this package raises.

::

    WatcherError
    └── UsageError      the caller asked for something that cannot be; nothing was requested from the network

A failed wait is no error but an outcome: an exception would lose the answer that the caller waited for.
"""


class WatcherError(Exception):
    """The root of all errors of this package."""


class UsageError(WatcherError):
    """Bad arguments, environment or configuration; the message names the option and a right example."""
