"""Wait for LaunchDarkly big-segment imports.

``await wait(ref, token=…)`` waits for one import; ``async for event in watch(refs, token=…)`` yields the
events of many. A program that waits again and again keeps a ``Watcher``, or uses ``shared(token=…)``. All of
them run in any asyncio loop; they do not log, install signal handlers or end the process.
"""

from __future__ import annotations

from importlib import import_module

from watcher.version import __version__

TYPE_CHECKING = False  # type checkers know this name; importing typing would slow down every start
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
    from watcher.library.calls import describe, shared, state_of, wait, watch
    from watcher.library.watcher import Watcher

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
    "Watcher",
    "WatcherError",
    "Watching",
    "__version__",
    "describe",
    "shared",
    "state_of",
    "wait",
    "watch",
]

_MODULES = (
    "core.errors",
    "core.events",
    "core.model",
    "core.policy",
    "core.statuses",
    "library.watcher",
    "library.calls",
)


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that the command starts without the whole package."""
    if name in __all__:
        for module in _MODULES:
            names = vars(import_module(f"{__name__}.{module}"))
            if name in names:
                globals()[name] = names[name]
                return names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return all names, including public names that are not loaded yet."""
    return sorted({*globals(), *__all__})
