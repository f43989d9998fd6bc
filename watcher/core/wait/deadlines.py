"""The deadlines of a wait: of the whole wait, and of the time in one status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from watcher.core import defaults
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from watcher.core.policy import Policy
    from watcher.core.wait.record import Record


class Deadline(NamedTuple):
    """One deadline.

    Attributes:
        at: When it passes, on the monotonic clock in seconds.
        limit: The time allowed, in seconds.
        status: The status whose time is limited; None for the whole wait.
    """

    at: float
    limit: float
    status: ImportStatus | None = None


def first_deadline(policy: Policy, record: Record) -> Deadline:
    """Return the deadline that passes first if the status does not change.

    A deadline that passed before this run resumed the wait applies only after one more poll: the import may
    have been completed meanwhile. That poll may take as long as an outage.
    """
    deadline = _first(policy, record)
    if record.stale_since is None or deadline.at > record.stale_since:
        return deadline
    return deadline._replace(at=record.stale_since + min(policy.outage_budget, defaults.OUTAGE_BUDGET))


def _first(policy: Policy, record: Record) -> Deadline:
    whole = Deadline(record.started.monotonic + policy.timeout, policy.timeout)
    status = record.status
    if not isinstance(status, ImportStatus) or status not in policy.max_in_state:
        return whole
    limit = policy.max_in_state[status]
    at = record.since + limit
    return Deadline(at, limit, status) if at <= whole.at else whole
