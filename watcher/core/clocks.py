"""The user's clocks: the whole wait, and the time in one status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from watcher.core.statuses import ImportStatus
from watcher.core.text import duration

if TYPE_CHECKING:
    from watcher.core.policy import Policy
    from watcher.core.record import Record


class Clock(NamedTuple):
    """One clock; of two, the lesser is the one that runs out first.

    Attributes:
        runs_out: When, on the monotonic clock in seconds.
        option: What the user gave to set it.
    """

    runs_out: float
    option: str


def first_clock(policy: Policy, record: Record) -> Clock:
    """Tells which clock runs out first while nothing changes; none does before this run took the wait up.

    Args:
        policy: What the user asked for.
        record: What has been seen of the import.

    Returns:
        That clock.
    """
    runs_out = max(record.started.monotonic + policy.timeout, record.resumed)
    whole = Clock(runs_out, f"--timeout {duration(policy.timeout)}")
    status = record.status
    if not isinstance(status, ImportStatus) or status not in policy.max_in_state:
        return whole
    longest = policy.max_in_state[status]
    runs_out = max(record.since + longest, record.resumed)
    return min(whole, Clock(runs_out, f"--max-in-state {status}={duration(longest)}"))
