"""What the user asked for: the rules of one wait, and those of imports that are watched together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from watcher.core import defaults
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one wait; all times are seconds, and ``math.inf`` is no limit.

    Attributes:
        until: Succeed at this status or one past it.
        fail_on: Fail on reaching one of these.
        once: End at the first usable answer.
        remembered: A later run goes on with this wait, so one look need not be patient.
        unknown_status: What a status outside the known six does.
        timeout: The whole wait.
        max_in_state: Longest time in a status.
        outage_budget: Longest stretch without a usable answer.
        appear_within: How long a 404 is patience, before the import was first seen.
        min_interval: The first interval between polls, after the start and after each transition.
        max_interval: The longest interval between polls.
        growth: What each interval is multiplied by to give the next.
    """

    until: ImportStatus = ImportStatus.COMPLETE
    fail_on: frozenset[ImportStatus] = frozenset()
    once: bool = False
    remembered: bool = False
    unknown_status: UnknownStatusRule = UnknownStatusRule.WAIT
    timeout: float = defaults.TIMEOUT
    max_in_state: Mapping[ImportStatus, float] = field(default_factory=dict)
    outage_budget: float = defaults.OUTAGE_BUDGET
    appear_within: float = defaults.APPEAR_WITHIN
    min_interval: float = defaults.MIN_INTERVAL
    max_interval: float = defaults.MAX_INTERVAL
    growth: float = defaults.GROWTH

    def __post_init__(self) -> None:
        """Refuses what would never ask, ask without a pause, or contradict itself.

        Raises:
            ValueError: A field has a value that it cannot have, such as text in place of an enum's member.
        """
        self._check_members()
        self._check_numbers()
        if self.until in self.fail_on:
            raise ValueError(f"fail_on holds {self.until}, which is what until waits for")

    def _check_members(self) -> None:
        if not _is_a(AbstractSet, self.fail_on):
            raise ValueError(f"fail_on must be a set of ImportStatus, and is {self.fail_on!r}")
        if not _is_a(Mapping, self.max_in_state):
            raise ValueError(f"max_in_state must map ImportStatus to seconds, and is {self.max_in_state!r}")
        statuses = [("until", self.until)]
        statuses += [("each of fail_on", status) for status in self.fail_on]
        statuses += [("each key of max_in_state", status) for status in self.max_in_state]
        for name, status in statuses:
            if not _is_a(ImportStatus, status):
                raise ValueError(f"{name} must be a member of ImportStatus, which {status!r} is not")
        if not _is_a(UnknownStatusRule, self.unknown_status):
            raise ValueError(
                f"unknown_status must be a member of UnknownStatusRule, and is {self.unknown_status!r}"
            )

    def _check_numbers(self) -> None:
        lengths = {
            "timeout": self.timeout,
            "outage_budget": self.outage_budget,
            "appear_within": self.appear_within,
            "min_interval": self.min_interval,
            "max_interval": self.max_interval,
            **{f"max_in_state[{status}]": longest for status, longest in self.max_in_state.items()},
        }
        for name, length in lengths.items():
            if not (_is_number(length) and length >= 0):  # also refuses nan
                raise ValueError(f"{name} must be at least 0 seconds, and is {length!r}")
        if not 0 < self.min_interval <= self.max_interval < math.inf:
            given = f"{self.min_interval} and {self.max_interval}"
            raise ValueError(f"it must be 0 < min_interval <= max_interval < infinity, and they are {given}")
        if not (_is_number(self.growth) and 1 <= self.growth < math.inf):
            raise ValueError(f"growth must be at least 1, and is {self.growth!r}")


@dataclass(frozen=True, slots=True)
class Terms:
    """How imports are watched together.

    Attributes:
        policy: The rules of each wait.
        succeeds: Whether an outcome counts as success.
        any_suffices: End the watch at the first success.
        fail_fast: End the watch at the first failure.
        heartbeat: Longest silence in seconds.
        request_timeout: Longest request in seconds; infinite is no limit.
    """

    policy: Policy
    succeeds: Callable[[Outcome], bool]
    any_suffices: bool = False
    fail_fast: bool = False
    heartbeat: float = math.inf
    request_timeout: float = math.inf


def _is_a(kind: type, value: object) -> bool:
    """Judges what is really given, which a program without types need not have got right."""
    return isinstance(value, kind)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
