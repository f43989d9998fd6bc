"""Read the rate-limit headers of a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache

LATEST_RESET = 3600.0
"""Latest plausible reset in seconds from now; windows are ten seconds long."""

_LONGEST_WAIT = 100 * 365 * 86400.0  # a hundred years in seconds: any number is a valid Retry-After

_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_ITEM = re.compile(r"[A-Za-z]+, [^,]+|[^,]+")
"""One value of a repeated field; a date contains a comma of its own."""


class Limit(Enum):
    """The limits with a remaining number of requests; the one by IP address only sends ``Retry-After``.

    The values are the fields for the size, the remaining requests, and the end of the window in epoch
    milliseconds.
    """

    ACCOUNT = ("x-ratelimit-global-limit", "x-ratelimit-global-remaining", "x-ratelimit-reset")
    ROUTE = ("x-ratelimit-route-limit", "x-ratelimit-route-remaining", "x-ratelimit-reset")
    ACCESS_TOKEN = (
        "x-ratelimit-auth-token-limit",
        "x-ratelimit-auth-token-remaining",
        "x-ratelimit-auth-token-reset",
    )


_FIELD_NAMES = frozenset({"retry-after", *(name for limit in Limit for name in limit.value)})


@dataclass(frozen=True, slots=True)
class Budget:
    """The remaining requests of one limit.

    Attributes:
        size: Requests in a whole window.
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
        retry_after: Seconds to wait by ``Retry-After``.
        latest_reset: Seconds to the latest plausible reset, whatever remains.
    """

    retry_after: float | None = None
    latest_reset: float | None = None
    budgets: tuple[Budget, ...] = ()

    def named_wait(self, *, throttled: bool) -> float | None:
        """Return the seconds from the response to the latest time that it named; None if it named none.

        A 429 (``throttled``) does not say which limit it enforces, so all resets count; in another response
        only those of limits with nothing left do.
        """
        waits = [self.retry_after, *(budget.resets_in for budget in self.budgets if budget.remaining == 0)]
        if throttled:
            waits.append(self.latest_reset)
        return max((wait for wait in waits if wait is not None and wait > 0), default=None)


def read_rate_limits(headers: Mapping[str, str], received_unix: float) -> RateLimits:
    """Return the rate limits in the headers of a response; never raises, whatever they contain.

    Times are relative to the response's own ``Date`` (RFC 9110, 6.6.1), so a wrong local clock does no harm;
    ``received_unix``, the local clock, replaces an unusable one. ``Date`` has no fractions of a second, so
    waits are up to a second longer, never shorter. The names of ``headers`` are in lower case.
    """
    if _FIELD_NAMES.isdisjoint(headers):
        return RateLimits()
    served = _http_date(headers.get("date", ""))
    now = received_unix if served is None else served
    budgets, waits = [], []
    for limit in Limit:
        size, left, reset = limit.value
        window, resets_in = _read_reset(headers.get(reset, ""), now)
        if resets_in is not None:
            waits.append(resets_in)
        remaining = _least(headers.get(left, ""))
        if remaining is not None:
            budgets.append(Budget(limit, _least(headers.get(size, "")), remaining, window, resets_in))
    retry_after = _retry_after(headers.get("retry-after", ""), now)
    return RateLimits(retry_after, max(waits, default=None), tuple(budgets))


def _least(value: str) -> int | None:
    return min(_counts(value), default=None)


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
        if _SECONDS.fullmatch(text):
            waits.append(float(text))
        elif (moment := _http_date(text)) is not None:
            waits.append(moment - now)
    return min(max(waits), _LONGEST_WAIT) if waits else None


@lru_cache(maxsize=8)  # likewise
def _http_date(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
        # A date without a zone is UTC (RFC 9110, 5.6.7).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause that the API asked for, for all imports of one base URI; times are on the monotonic clock.

    Attributes:
        until: The time that the API named, before which no request is sent; else the time of the 429.
        resume_at: When to send the next request: later by the jitter, or by the backoff.
        named: Whether the API named a time.
        in_a_row: Consecutive 429s, over all imports; 0 if the response was not a 429.
    """

    until: float
    resume_at: float
    named: bool
    in_a_row: int = 0
