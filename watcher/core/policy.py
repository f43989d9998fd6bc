"""The settings of one wait, and those of imports that are watched together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TypeVar

import msgspec

from watcher.core import defaults
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule
from watcher.core.text import printable

_Type = TypeVar("_Type")
_Member = TypeVar("_Member", bound=StrEnum)

_LIMITS = frozenset({"timeout", "outage_budget", "appear_within"})
"""The fields that may be infinite, beside the limits in ``max_in_state``."""


_TYPES = {
    "fail_on": (Iterable, "a list of statuses"),
    "max_in_state": (Mapping, "a mapping from statuses to seconds"),
    "once": (bool, "True or False"),
    "remembered": (bool, "True or False"),
}
"""The types of the fields that no conversion and no comparison checks, and their names in messages."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one wait; all times are seconds, and ``math.inf`` is no limit.

    Attributes:
        until: Succeed at this status or one past it.
        fail_on: Fail at these statuses.
        once: End at the first usable response.
        remembered: A later run resumes this wait, so ``once`` ends at a 404 within ``appear_within`` as well.
        timeout: Longest wait.
        max_in_state: Longest time in a status.
        outage_budget: Longest time without a usable response.
        appear_within: How long a 404 means that a new import does not exist yet.
        min_interval: First interval between polls, after the start and after each transition.
        max_interval: Longest interval between polls.
        growth: Factor from each interval to the next.
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
        """Convert text to statuses and rules, and check all fields: not every program uses a type checker.

        Raises:
            ValueError: A field has an invalid value, or two fields contradict each other.
        """
        for name, (kind, shown) in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, str):
                shown_value = printable(repr(value))
                raise ValueError(f"{name} must be {shown}, not {shown_value}")  # noqa: TRY004 (as for any value)
        limits = dict(self.max_in_state).items()
        converted = {
            "until": _member("until", ImportStatus, self.until),
            "fail_on": frozenset(_member("fail_on", ImportStatus, status) for status in self.fail_on),
            "unknown_status": _member("unknown_status", UnknownStatusRule, self.unknown_status),
            "max_in_state": {_member("max_in_state", ImportStatus, one): longest for one, longest in limits},
        }
        for name, value in converted.items():
            object.__setattr__(self, name, value)
        self._check_numbers()
        if self.until in self.fail_on:
            raise ValueError(f"fail_on must not contain {self.until}, which is the status of until")

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain JSON values; no limit is None."""
        values: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {name: _finite_or_none(getattr(self, name)) for name in _LIMITS}
        return values | {
            "until": str(self.until),
            "fail_on": sorted(map(str, self.fail_on)),
            "unknown_status": str(self.unknown_status),
            "max_in_state": {str(name): _finite_or_none(limit) for name, limit in self.max_in_state.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Policy:
        """Return the policy of ``to_dict``; a field that is missing has its default.

        Raises:
            ValueError: It is not a mapping, a name is unknown, or a field has an invalid value.
        """
        named = _convert(values, dict[str, object])
        unknown = named.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a policy has no field {', '.join(sorted(map(repr, unknown)))}")
        for name in _LIMITS & named.keys():
            named[name] = _infinite_if_none(named[name])
        in_state = named.get("max_in_state")
        if isinstance(in_state, Mapping):
            named["max_in_state"] = {name: _infinite_if_none(limit) for name, limit in in_state.items()}
        return _convert(named, cls)

    def _check_numbers(self) -> None:
        lengths: dict[str, object] = {
            "timeout": self.timeout,
            "outage_budget": self.outage_budget,
            "appear_within": self.appear_within,
            "min_interval": self.min_interval,
            "max_interval": self.max_interval,
            **{f"max_in_state[{status}]": longest for status, longest in self.max_in_state.items()},
        }
        for name, length in lengths.items():
            if not (isinstance(length, int | float) and length >= 0):  # also rejects nan
                raise ValueError(f"{name} must be at least 0 seconds, not {printable(repr(length))}")
        if not 0 < self.min_interval <= self.max_interval:
            raise ValueError(
                "min_interval must be more than 0 seconds, and at most as long as max_interval "
                f"({self.max_interval}), not {self.min_interval}"
            )
        if self.max_interval == math.inf:
            raise ValueError("max_interval must not be infinite")
        growth: object = self.growth
        if not (isinstance(growth, int | float) and 1 <= growth < math.inf):
            raise ValueError(f"growth must be at least 1, not {printable(repr(growth))}")


def _member(name: str, kind: type[_Member], value: object) -> _Member:
    for member in kind:
        if member == value:
            return member
    raise ValueError(f"{name} must be one of {', '.join(kind)}, not {printable(repr(value))}")


def _convert(value: object, kind: type[_Type]) -> _Type:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _infinite_if_none(limit: object) -> object:
    return math.inf if limit is None else limit


def _finite_or_none(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings of imports that are watched together; all times are seconds.

    Attributes:
        succeeds: Whether an outcome is a success; exit codes can be changed.
        any_suffices: End all waits at the first success.
        fail_fast: End all waits at the first failure.
        heartbeat: Longest time without an event other than a 429 or a retry.
        request_timeout: Longest request.
    """

    policy: Policy
    succeeds: Callable[[Outcome], bool]
    any_suffices: bool = False
    fail_fast: bool = False
    heartbeat: float = math.inf
    request_timeout: float = math.inf
