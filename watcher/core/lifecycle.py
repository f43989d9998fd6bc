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

FINAL_OUTCOMES: Mapping[ImportStatus, Outcome] = {
    ImportStatus.COMPLETE: Outcome.COMPLETE,
    ImportStatus.STOPPED: Outcome.STOPPED,
}
"""The outcome of each final status, the statuses without transitions."""

FINAL = frozenset(FINAL_OUTCOMES)
_FAILED = FINAL - {ImportStatus.COMPLETE}


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

    A failed import, such as a stopped one, is past no other status, so it is never a success.
    """
    return status is goal or (status not in _FAILED and status in _LATER[goal])


def outcome_of(status: Status, until: ImportStatus, fail_on: Collection[ImportStatus]) -> Outcome | None:
    """Return the outcome that a status decides, or None if the wait continues."""
    if status in fail_on:
        return Outcome.BLOCKED
    if status is ImportStatus.COMPLETE:
        return Outcome.COMPLETE
    if is_at_or_past(status, until):
        return Outcome.REACHED
    return FINAL_OUTCOMES[status] if isinstance(status, ImportStatus) and status in FINAL else None
