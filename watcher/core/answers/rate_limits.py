"""What the rate-limit headers of an answer ask for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST_RESET = 3600.0
"""A reset further ahead than this, in seconds, is a mistake of somebody's; windows are ten seconds long."""

_LONGEST_WAIT = 100 * 365 * 86400.0  # what adds to any clock without overflow and outlives every wait

_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_ITEM = re.compile(r"[A-Za-z]+, [^,]+|[^,]+")
"""One value of a field that came more than once; a date holds a comma of its own."""


class Limit(Enum):
    """The limits that tell what remains; the one by IP address only ever says ``Retry-After``."""

    ACCOUNT = ("x-ratelimit-global-limit", "x-ratelimit-global-remaining", "x-ratelimit-reset")
    ROUTE = ("x-ratelimit-route-limit", "x-ratelimit-route-remaining", "x-ratelimit-reset")
    ACCESS_TOKEN = (
        "x-ratelimit-auth-token-limit",
        "x-ratelimit-auth-token-remaining",
        "x-ratelimit-auth-token-reset",
    )


_FIELDS = tuple((limit, *limit.value) for limit in Limit)
"""Each limit with the fields of its size, of what is left, and of its window's end in epoch milliseconds."""

_RESETS = frozenset(reset for _, _, _, reset in _FIELDS)
_FIELD_NAMES = frozenset({"retry-after", *(name for _, *names in _FIELDS for name in names)})


@dataclass(frozen=True, slots=True)
class Budget:
    """What one limit has left.

    Attributes:
        limit: Which limit.
        size: Requests that a whole window allows, where the answer said it.
        remaining: Requests left of this window.
        window: The end of the window in the server's epoch milliseconds: the window's name.
        resets_in: Seconds until it ends; None where that is not told or not credible.
    """

    limit: Limit
    size: int | None
    remaining: int
    window: int | None
    resets_in: float | None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """All that one answer says of rate limits.

    Attributes:
        retry_after: Seconds to wait, where ``Retry-After`` says so.
        latest_reset: Seconds to the latest credible reset, whatever remains.
        budgets: What the limits have left.
    """

    retry_after: float | None = None
    latest_reset: float | None = None
    budgets: tuple[Budget, ...] = ()

    def named_wait(self, *, throttled: bool) -> float | None:
        """Tells for how long the API asks not to be asked.

        Args:
            throttled: Whether the answer was a 429. It does not say which limit refused, so all resets count;
                on another answer only the resets of limits with nothing left do.

        Returns:
            Seconds from the answer to the latest moment that it named; None where it named none.
        """
        waits = [budget.resets_in for budget in self.budgets if budget.remaining == 0]
        waits.append(self.retry_after)
        if throttled:
            waits.append(self.latest_reset)
        return max((wait for wait in waits if wait is not None and wait > 0), default=None)


_NO_LIMITS = RateLimits()
_NO_RESET = (None, None)


def read_rate_limits(headers: Mapping[str, str], received_unix: float) -> RateLimits:
    """Reads the headers of all four kinds of limit; never raises, whatever they hold.

    A moment is taken relative to the answer's own ``Date`` (RFC 9110, 6.6.1), so a wrong local clock does no
    harm. That header is cut to the second, so the wait comes out up to a second longer, never shorter.

    Args:
        headers: The header fields, names in lower case.
        received_unix: The local wall clock, for an answer without a usable ``Date``.

    Returns:
        What they say, moments turned into seconds from the answer.
    """
    if _FIELD_NAMES.isdisjoint(headers):
        return _NO_LIMITS
    served = _http_date(headers.get("date"))
    now = received_unix if served is None else served
    resets = {name: _read_reset(headers[name], now) for name in _RESETS if name in headers}
    budgets = []
    for limit, size, left, reset in _FIELDS:
        remaining = _least(headers.get(left))
        if remaining is not None:
            window, resets_in = resets.get(reset, _NO_RESET)
            budgets.append(Budget(limit, _least(headers.get(size)), remaining, window, resets_in))
    told = [resets_in for _, resets_in in resets.values() if resets_in is not None]
    asked = headers.get("retry-after")
    return RateLimits(
        retry_after=None if asked is None else _retry_after(asked, now),
        latest_reset=max(told, default=None),
        budgets=tuple(budgets),
    )


def _least(value: str | None) -> int | None:
    if value is None:
        return None
    return int(value) if _COUNT.fullmatch(value) else min(_counts(value), default=None)


def _counts(value: str) -> list[int]:
    items = (item.strip() for item in _ITEM.findall(value))
    return [int(item) for item in items if _COUNT.fullmatch(item)]


@lru_cache(maxsize=8)  # the answers of a second share their date and their windows
def _read_reset(value: str, now: float) -> tuple[int | None, float | None]:
    """Reads the end of a window: its name, and the seconds to it where they are credible."""
    ends = _counts(value)
    waits = [wait for end in ends if 0 < (wait := end / 1000 - now) <= LATEST_RESET]
    return max(ends, default=None), max(waits, default=None)


def _retry_after(value: str, now: float) -> float | None:
    """Reads seconds or a date (RFC 9110, 10.2.3); of several the longest."""
    waits = []
    for item in _ITEM.findall(value):
        text = item.strip()
        moment = _http_date(text)
        if _SECONDS.fullmatch(text):
            waits.append(min(float(text), _LONGEST_WAIT))
        elif moment is not None:
            waits.append(min(max(0.0, moment - now), _LONGEST_WAIT))
    return max(waits, default=None)


@lru_cache(maxsize=8)  # likewise
def _http_date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
        # Without a zone it is UTC all the same (RFC 9110, 5.6.7).
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return seconds if math.isfinite(seconds) else None


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch in which nothing is asked, for all imports of one base URI.

    Attributes:
        until: The moment that the API named, on the monotonic clock in seconds: no request comes before it.
            Where it named none, the moment of the refusal.
        resume_at: When to ask again: later by the jitter, or by the backoff.
        named: Whether the API named the moment.
        in_a_row: Refusals with 429 in a row, over all imports; 0 where the answer was none.
    """

    until: float
    resume_at: float
    named: bool
    in_a_row: int = 0
