"""The lifecycle of an import: all rules about statuses."""

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
"""The transitions that LaunchDarkly makes; polling observes only some. A final status has none."""


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
"""The statuses that never change."""


def is_expected(source: Status | None, to: Status) -> bool:
    """Return whether the lifecycle leads from one status to another, in any number of transitions.

    Args:
        source: The last known status; None before the first observation.
        to: The next status.

    Returns:
        False for a step back and for an unknown status.
    """
    if not isinstance(to, ImportStatus):
        return False
    return not isinstance(source, ImportStatus) or to in _LATER[source]


def is_at_or_past(status: Status, goal: ImportStatus) -> bool:
    """Return whether ``status`` is ``goal`` or a later status.

    ``stopped`` is past no other status: it can follow each of them, but is never a success.
    """
    if not isinstance(status, ImportStatus):
        return False
    return status is goal or (status is not ImportStatus.STOPPED and status in _LATER[goal])


def judge(status: Status, until: ImportStatus, fail_on: Collection[ImportStatus]) -> Outcome | None:
    """Return the outcome that a status decides, or None if the wait continues.

    Args:
        status: The import's status.
        until: The status to wait for.
        fail_on: The statuses at which the wait fails.
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
    """Return the transitions as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {ImportStatus.PREPARING}"]
    lines += [f"    {source} --> {to}" for source, following in TRANSITIONS.items() for to in following]
    lines += [f"    {status} --> [*]" for status in TRANSITIONS if status in FINAL]
    return "\n".join(lines) + "\n"
