"""The lifecycle of an import: all rules about statuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from watcher.core.statuses import ImportStatus, Outcome, Status

TRANSITIONS: Mapping[ImportStatus, tuple[ImportStatus, ...]] = {
    ImportStatus.PREPARING: (ImportStatus.PENDING_APPROVAL, ImportStatus.READY, ImportStatus.STOPPED),
    ImportStatus.PENDING_APPROVAL: (ImportStatus.READY, ImportStatus.STOPPED),
    ImportStatus.READY: (ImportStatus.IN_PROGRESS, ImportStatus.STOPPED),
    ImportStatus.IN_PROGRESS: (ImportStatus.COMPLETE, ImportStatus.STOPPED),
    ImportStatus.COMPLETE: (),
    ImportStatus.STOPPED: (),
}
"""The transitions that LaunchDarkly makes; polling observes only some. A final status has none."""

FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


def _reachable(start: ImportStatus) -> frozenset[ImportStatus]:
    following = TRANSITIONS[start]
    return frozenset(following).union(*map(_reachable, following))


_LATER = {status: _reachable(status) for status in ImportStatus}


def is_expected(source: Status | None, to: Status) -> bool:
    """Return whether the lifecycle leads from one status to another, in any number of transitions.

    ``source`` is None before the first observation. A step back and an unknown status are never expected.
    """
    if not isinstance(to, ImportStatus):
        return False
    return not isinstance(source, ImportStatus) or to in _LATER[source]


def is_at_or_past(status: Status, goal: ImportStatus) -> bool:
    """Return whether ``status`` is ``goal`` or a later status.

    ``stopped`` is past no other status: it can follow each of them, but is never a success.
    """
    return status is goal or (status is not ImportStatus.STOPPED and status in _LATER[goal])


def outcome_of(status: Status, until: ImportStatus, fail_on: Collection[ImportStatus]) -> Outcome | None:
    """Return the outcome that a status decides, or None if the wait continues."""
    if status in fail_on:
        return Outcome.BLOCKED
    if status is ImportStatus.COMPLETE:
        return Outcome.COMPLETE
    if is_at_or_past(status, until):
        return Outcome.REACHED
    if status is ImportStatus.STOPPED:
        return Outcome.STOPPED
    return None
