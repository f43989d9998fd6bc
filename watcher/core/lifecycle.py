"""The life of an import; nothing else decides about statuses."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from watcher.core.statuses import ImportStatus, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TRANSITIONS: Mapping[ImportStatus, tuple[ImportStatus, ...]] = MappingProxyType(
    {
        ImportStatus.PREPARING: (
            ImportStatus.PENDING_APPROVAL,
            ImportStatus.READY,
            ImportStatus.STOPPED,
        ),
        ImportStatus.PENDING_APPROVAL: (ImportStatus.READY, ImportStatus.STOPPED),
        ImportStatus.READY: (ImportStatus.IN_PROGRESS, ImportStatus.STOPPED),
        ImportStatus.IN_PROGRESS: (ImportStatus.COMPLETE, ImportStatus.STOPPED),
        ImportStatus.COMPLETE: (),
        ImportStatus.STOPPED: (),
    }
)
"""The steps that LaunchDarkly takes; polling sees only some of them. An empty row is an end."""


def _reachable(start: ImportStatus) -> frozenset[ImportStatus]:
    found: set[ImportStatus] = set()
    pending = list(TRANSITIONS[start])
    while pending:
        status = pending.pop()
        if status not in found:
            found.add(status)
            pending.extend(TRANSITIONS[status])
    return frozenset(found)


_LATER = MappingProxyType({status: _reachable(status) for status in ImportStatus})

FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
"""The statuses that never change again."""


def is_expected(source: Status | None, to: Status) -> bool:
    """Tells whether the lifecycle leads from one status to another, by any number of unseen steps.

    Args:
        source: The last known status; None before the first sight.
        to: The status that was seen next.

    Returns:
        False for a step back and for a status that nobody knows.
    """
    if not isinstance(to, ImportStatus):
        return False
    return not isinstance(source, ImportStatus) or to in _LATER[source]


def is_at_or_past(status: Status, goal: ImportStatus) -> bool:
    """Tells whether an import that stands at ``status`` has come as far as ``goal``.

    ``stopped`` lies past no other status: it can follow each of them, and is not what anybody waits for.

    Args:
        status: Where the import stands.
        goal: The status that is waited for.

    Returns:
        True at the goal itself and at every later status but ``stopped``.
    """
    if not isinstance(status, ImportStatus):
        return False
    return status is goal or (status is not ImportStatus.STOPPED and status in _LATER[goal])


def judge(status: Status, until: ImportStatus, fail_on: Collection[ImportStatus]) -> Outcome | None:
    """Tells whether a status ends the wait.

    Args:
        status: Where the import stands.
        until: The status that is waited for.
        fail_on: The statuses at which the wait fails.

    Returns:
        How it ends, or None while it goes on.
    """
    if status in fail_on:
        return Outcome.BLOCKED
    if status is ImportStatus.COMPLETE:
        return Outcome.COMPLETE
    if is_at_or_past(status, until):
        return Outcome.REACHED
    if status is ImportStatus.STOPPED:
        return Outcome.STOPPED
    return None


def mermaid() -> str:
    """Draws the table, for the documentation.

    Returns:
        A Mermaid state diagram.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {ImportStatus.PREPARING}"]
    lines += [f"    {source} --> {to}" for source, following in TRANSITIONS.items() for to in following]
    lines += [f"    {status} --> [*]" for status in TRANSITIONS if status in FINAL]
    return "\n".join(lines) + "\n"
