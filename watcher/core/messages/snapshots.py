"""Messages about the current state of a wait."""

from __future__ import annotations

from collections.abc import Mapping

from watcher.core.events import Progress
from watcher.core.statuses import ImportStatus

APPROVAL = "the change must be approved and applied in LaunchDarkly"

_WAITING_FOR: Mapping[str | None, str] = {
    None: "waiting for the import to appear",
    ImportStatus.PREPARING: "LaunchDarkly is preparing the import",
    ImportStatus.PENDING_APPROVAL: APPROVAL,
    ImportStatus.READY: "waiting for LaunchDarkly to start the import",
    ImportStatus.IN_PROGRESS: "LaunchDarkly is importing the keys",
}


def waiting_for(progress: Progress) -> str:
    """Return what must happen next."""
    if not progress.polls:
        return "waiting for the first response"
    return _WAITING_FOR.get(progress.status, "unknown status; still waiting")


def polls(progress: Progress) -> str:
    """Return the number of polls, such as ``3 polls``."""
    return f"{progress.polls} poll{'' if progress.polls == 1 else 's'}"
