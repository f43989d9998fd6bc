"""A stretch without a usable answer, and how long it may last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.core import schedule
from watcher.core.replies import FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.core.policy import Policy

FIRST_CONTACT_BUDGET = 30.0
"""Longest outage, in seconds, by an unknown host name or an untrusted certificate before any answer: there a
mistake in the configuration is far likelier than a fault that passes."""


@dataclass(slots=True)
class Outage:
    """One stretch.

    Attributes:
        began: When its first request was sent, on the monotonic clock in seconds.
        ceilings: The growing ceilings of the waits in it.
        length: Failed requests in it.
    """

    began: float
    ceilings: Iterator[float]
    length: int = 0

    @classmethod
    def beginning(cls, began: float, policy: Policy) -> Outage:
        """Begins a stretch.

        Args:
            began: When its first request was sent, on the monotonic clock in seconds.
            policy: Sets the waits.

        Returns:
            A stretch with no failed request yet.
        """
        return cls(began, schedule.growing(policy.min_interval, policy.max_interval, 2))


def budget(policy: Policy, kind: FaultKind | None, *, answered: bool) -> float:
    """Tells how long a stretch may last.

    Args:
        policy: What the user allows.
        kind: The latest fault; None where an answer spoke against going on.
        answered: Whether any HTTP answer has come in this wait.

    Returns:
        Seconds from the beginning of the stretch.
    """
    if not answered and kind in {FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED}:
        return min(policy.outage_budget, FIRST_CONTACT_BUDGET)
    return policy.outage_budget
