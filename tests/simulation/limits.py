"""LaunchDarkly's rate limits: windows of ten seconds, which other users share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.answers import Reset
from tests.simulation.scenario import LimitKind, LimitRule, ResetStyle, Told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

WINDOW = 10.0

_NAMES = {
    LimitKind.ACCOUNT: ("x-ratelimit-global", "x-ratelimit-reset"),
    LimitKind.ROUTE: ("x-ratelimit-route", "x-ratelimit-reset"),
    LimitKind.TOKEN: ("x-ratelimit-auth-token", "x-ratelimit-auth-token-reset"),
}
_FULL_REFUSALS = 0.5  # the other refusals tell nothing but a reset
_GARBAGE = ("soon", "-1", "1e13", "", "12:30:00", "NaN", "0x1f")


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision on one request.

    Attributes:
        refused: Whether a limit rejects it.
        headers: Their headers.
        resets: The resets among them that can be read.
        retry_after: Seconds until the limit by address lets it through.
    """

    refused: bool
    headers: dict[str, str]
    resets: tuple[Reset, ...]
    retry_after: int | None


class _Count:
    """The count of one limit in its current window."""

    def __init__(self, rule: LimitRule) -> None:
        self.rule = rule
        self._window = -1
        self._own = 0
        self._appetite = 0.0

    def remaining(self, unix: float, random: Random) -> int:
        """Return what is left of the window; others use it evenly."""
        window = int(unix // WINDOW)
        if window != self._window:
            self._window, self._own = window, 0
            self._appetite = random.uniform(0, self.rule.others) * self.rule.size
        others = int(self._appetite * (unix % WINDOW) / WINDOW)
        return max(0, self.rule.size - self._own - others)

    def spend(self) -> None:
        """Count an accepted request."""
        self._own += 1


class RateLimits:
    """All limits.

    Args:
        rules: The limits.
        random: The source of what others do, and of garbage.
    """

    def __init__(self, rules: Sequence[LimitRule], random: Random) -> None:
        self._counts = [_Count(rule) for rule in rules]
        self._random = random

    def rule(self, unix: float) -> Ruling:
        """Accept or reject a request."""
        before = [count.remaining(unix, self._random) for count in self._counts]
        refused = any(left == 0 for left in before)
        if not refused:
            for count in self._counts:
                count.spend()
        ends = (unix // WINDOW + 1) * WINDOW
        headers: dict[str, str] = {}
        resets: dict[str, int] = {}
        spent: set[str] = set()
        retry_after = None
        for count, left in zip(self._counts, before, strict=True):
            rule = count.rule
            if rule.told is Told.NEVER or (rule.told is Told.REFUSALS and not refused):
                continue
            if rule.kind is LimitKind.ADDRESS:
                retry_after = int(ends - unix) + 1 if left == 0 else retry_after
                continue
            name, reset_name = _NAMES[rule.kind]
            remaining = left if refused else left - 1
            if not refused or self._random.random() < _FULL_REFUSALS:
                if rule.sized:
                    headers[f"{name}-limit"] = str(rule.size)
                headers[f"{name}-remaining"] = str(remaining)
                if remaining == 0:
                    spent.add(reset_name)
            if reset_name not in headers:
                self._write_reset(reset_name, rule.resets, ends, headers, resets)
        readable = tuple(Reset(value, name in spent) for name, value in resets.items())
        return Ruling(refused, headers, readable, retry_after)

    def _write_reset(
        self, name: str, style: ResetStyle, ends: float, headers: dict[str, str], resets: dict[str, int]
    ) -> None:
        milliseconds = round(ends * 1000)
        match style:
            case ResetStyle.MISSING:
                return
            case ResetStyle.GARBAGE:
                headers[name] = self._random.choice(_GARBAGE)
                return
            case ResetStyle.MINUTE_AWAY:
                milliseconds += 60_000
            case ResetStyle.PAST:
                milliseconds -= 25_000
            case ResetStyle.SECONDS:
                milliseconds //= 1000
            case ResetStyle.ABSURD:
                milliseconds += 5_400_000
            case ResetStyle.TRUE:
                pass
        headers[name] = str(milliseconds)
        resets[name] = milliseconds
