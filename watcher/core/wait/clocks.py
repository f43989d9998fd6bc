"""The user's clocks: the whole wait, and the time in one status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from watcher.core import defaults
from watcher.core.statuses import ImportStatus
from watcher.core.text import duration

if TYPE_CHECKING:
    from watcher.core.policy import Policy
    from watcher.core.wait.record import Record


class Clock(NamedTuple):
    """One clock.

    Attributes:
        runs_out: When, on the monotonic clock in seconds.
        length: How long the user has set it to, in seconds.
        status: The status whose time it counts; None where it counts the whole wait.
    """

    runs_out: float
    length: float
    status: ImportStatus | None = None

    @property
    def option(self) -> str:
        """What the user gave to set it."""
        length = duration(self.length)
        return f"--timeout {length}" if self.status is None else f"--max-in-state {self.status}={length}"


def first_clock(policy: Policy, record: Record) -> Clock:
    """Tells which clock runs out first while nothing changes.

    A clock that ran out before this run took the wait up is not judged before the import has been looked at
    once more: a look after a quiet night must not call a timeout what has become complete. Where no answer
    shows it, that takes as long as an outage may.

    Args:
        policy: What the user asked for.
        record: What has been seen of the import.

    Returns:
        That clock.
    """
    clock = _first(policy, record)
    if record.looked or clock.runs_out > record.resumed:
        return clock
    patience = min(policy.outage_budget, defaults.OUTAGE_BUDGET)
    return clock._replace(runs_out=record.resumed + patience)


def _first(policy: Policy, record: Record) -> Clock:
    whole = Clock(record.started.monotonic + policy.timeout, policy.timeout)
    status = record.status
    if not isinstance(status, ImportStatus) or status not in policy.max_in_state:
        return whole
    longest = policy.max_in_state[status]
    runs_out = record.since + longest
    return Clock(runs_out, longest, status) if runs_out <= whole.runs_out else whole
