"""Read the rate-limit headers of a response."""

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
"""Latest plausible reset in seconds from now; windows are ten seconds long."""

_LONGEST_WAIT = 100 * 365 * 86400.0  # seconds; longer than any wait, without overflow

_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_ITEM = re.compile(r"[A-Za-z]+, [^,]+|[^,]+")
"""One value of a repeated field; a date contains a comma of its own."""


class Limit(Enum):
    """The limits with a remaining number of requests; the one by IP address only sends ``Retry-After``."""

    ACCOUNT = ("x-ratelimit-global-limit", "x-ratelimit-global-remaining", "x-ratelimit-reset")
    ROUTE = ("x-ratelimit-route-limit", "x-ratelimit-route-remaining", "x-ratelimit-reset")
    ACCESS_TOKEN = (
        "x-ratelimit-auth-token-limit",
        "x-ratelimit-auth-token-remaining",
        "x-ratelimit-auth-token-reset",
    )


_FIELDS = tuple((limit, *limit.value) for limit in Limit)
"""Each limit with its fields for size, remaining requests, and end of the window in epoch milliseconds."""

_RESETS = frozenset(reset for _, _, _, reset in _FIELDS)
_FIELD_NAMES = frozenset({"retry-after", *(name for _, *names in _FIELDS for name in names)})


@dataclass(frozen=True, slots=True)
class Budget:
    """The remaining requests of one limit.

    Attributes:
        limit: Which limit.
        size: Requests in a whole window, if given.
        remaining: Requests left in this window.
        window: The end of the window in the server's epoch milliseconds, which identifies it.
        resets_in: Seconds until it ends; None if not given or not plausible.
    """

    limit: Limit
    size: int | None
    remaining: int
    window: int | None
    resets_in: float | None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The rate limits in one response.

    Attributes:
        retry_after: Seconds to wait by ``Retry-After``, if given.
        latest_reset: Seconds to the latest plausible reset, whatever remains.
        budgets: The remaining requests of each limit.
    """

    retry_after: float | None = None
    latest_reset: float | None = None
    budgets: tuple[Budget, ...] = ()

    def named_wait(self, *, throttled: bool) -> float | None:
        """Return how long the API asks to wait.

        Args:
            throttled: Whether the response was a 429. It does not say which limit it enforces, so all resets
                count; in another response only those of limits with nothing left do.

        Returns:
            Seconds from the response to the latest time that it named; None if it named none.
        """
        waits = [budget.resets_in for budget in self.budgets if budget.remaining == 0]
        waits.append(self.retry_after)
        if throttled:
            waits.append(self.latest_reset)
        return max((wait for wait in waits if wait is not None and wait > 0), default=None)


_NO_LIMITS = RateLimits()
_NO_RESET = (None, None)


def read_rate_limits(headers: Mapping[str, str], received_unix: float) -> RateLimits:
    """Return the rate limits in the headers of a response; never raises, whatever they contain.

    Times are relative to the response's own ``Date`` (RFC 9110, 6.6.1), so a wrong local clock does no harm.
    That header is cut to the second, so waits are up to a second longer, never shorter.

    Args:
        headers: The header fields, names in lower case.
        received_unix: The local wall clock, for a response without a usable ``Date``.
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
    waits = [resets_in for _, resets_in in resets.values() if resets_in is not None]
    retry_after = headers.get("retry-after")
    return RateLimits(
        retry_after=None if retry_after is None else _retry_after(retry_after, now),
        latest_reset=max(waits, default=None),
        budgets=tuple(budgets),
    )


def _least(value: str | None) -> int | None:
    if value is None:
        return None
    return int(value) if _COUNT.fullmatch(value) else min(_counts(value), default=None)


def _counts(value: str) -> list[int]:
    items = (item.strip() for item in _ITEM.findall(value))
    return [int(item) for item in items if _COUNT.fullmatch(item)]


@lru_cache(maxsize=8)  # responses within a second share their date and their windows
def _read_reset(value: str, now: float) -> tuple[int | None, float | None]:
    """Return the end of a window as given, and the seconds until then if that is plausible."""
    ends = _counts(value)
    waits = [wait for end in ends if 0 < (wait := end / 1000 - now) <= LATEST_RESET]
    return max(ends, default=None), max(waits, default=None)


def _retry_after(value: str, now: float) -> float | None:
    """Return the longest of one or more waits, each in seconds or until a date (RFC 9110, 10.2.3)."""
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
        # A date without a zone is UTC (RFC 9110, 5.6.7).
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return seconds if math.isfinite(seconds) else None


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause that the API asked for, for all imports of one base URI.

    Attributes:
        until: The time that the API named, on the monotonic clock in seconds: no request is sent before it.
            If it named none, the time of the 429.
        resume_at: When to send the next request: later by the jitter, or by the backoff.
        named: Whether the API named a time.
        in_a_row: Consecutive 429s, over all imports; 0 if the response was not a 429.
    """

    until: float
    resume_at: float
    named: bool
    in_a_row: int = 0
