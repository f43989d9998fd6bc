"""Waits for LaunchDarkly big-segment imports to end, and says how they ended.

``await wait(ref, token=…)`` waits for one import; ``async for event in watch(refs, token=…)`` tells what
happens to many. Both work in any running asyncio loop, log nothing, take no signals and end no process.
"""

from __future__ import annotations

from importlib import import_module

from watcher.version import __version__

TYPE_CHECKING = False  # as type checkers know it; importing typing would slow every start down
if TYPE_CHECKING:
    from watcher.core.errors import UsageError, WaitError, WatcherError
    from watcher.core.events import (
        Changed,
        Ended,
        Event,
        Heartbeat,
        MetThrottle,
        MetUnknownStatus,
        Progress,
        Retrying,
        Watching,
    )
    from watcher.core.model import Import, ImportFile, ImportRef, Instant, Transition
    from watcher.core.policy import Policy
    from watcher.core.statuses import ImportStatus, Outcome, Status, UnknownStatus, UnknownStatusRule
    from watcher.library import wait, watch

__all__ = [
    "Changed",
    "Ended",
    "Event",
    "Heartbeat",
    "Import",
    "ImportFile",
    "ImportRef",
    "ImportStatus",
    "Instant",
    "MetThrottle",
    "MetUnknownStatus",
    "Outcome",
    "Policy",
    "Progress",
    "Retrying",
    "Status",
    "Transition",
    "UnknownStatus",
    "UnknownStatusRule",
    "UsageError",
    "WaitError",
    "WatcherError",
    "Watching",
    "__version__",
    "wait",
    "watch",
]

_HOMES = ("core.errors", "core.events", "core.model", "core.policy", "core.statuses", "library")


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that the command starts without the whole package."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if name in vars(module):
                globals()[name] = vars(module)[name]
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Lists the public names too."""
    return sorted({*globals(), *__all__})
