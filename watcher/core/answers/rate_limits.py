"""Read the rate-limit headers of a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache

from watcher.core.text import printable

LATEST_RESET = 120.0
"""Latest plausible reset in seconds from now; windows are ten seconds long."""

LATEST_RETRY_AFTER = 3600.0
"""Latest plausible ``Retry-After`` in seconds from now; a time up to as long ago has passed."""

_QUOTED = 40  # characters of an implausible value
_MOST_DIGITS = 15

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


_LIMIT_FIELDS = [(limit, limit.value) for limit in Limit]
_FIELD_NAMES = frozenset({"retry-after", *(name for _, names in _LIMIT_FIELDS for name in names)})


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
        implausible: The fields with a time that is implausible or unreadable, safe to print.
    """

    retry_after: float | None = None
    latest_reset: float | None = None
    budgets: tuple[Budget, ...] = ()
    implausible: tuple[str, ...] = ()

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

    Implausible and unreadable times are ignored: a wrong unit or clock in a gateway would otherwise stop a
    watch for years.
    """
    if _FIELD_NAMES.isdisjoint(headers):
        return RateLimits()
    served = _http_date(headers.get("date", ""))
    now = received_unix if served is None else served
    budgets, waits, ignored = [], [], []
    for limit, (size, left, reset) in _LIMIT_FIELDS:
        if left not in headers and reset not in headers:
            continue
        window, resets_in, is_plausible = _read_reset(headers.get(reset, ""), now)
        if resets_in is not None:
            waits.append(resets_in)
        if not is_plausible:
            ignored.append(reset)
        remaining = _least(headers.get(left, ""))
        if remaining is not None:
            budgets.append(Budget(limit, _least(headers.get(size, "")), remaining, window, resets_in))
    retry_after, is_plausible = None, True
    if "retry-after" in headers:
        retry_after, is_plausible = _retry_after(headers["retry-after"], now)
    if not is_plausible:
        ignored.append("retry-after")
    latest_reset = max(waits, default=None)
    if not ignored:
        return RateLimits(retry_after, latest_reset, tuple(budgets))
    implausible = tuple(f"{name}: {printable(headers[name], _QUOTED)}" for name in dict.fromkeys(ignored))
    return RateLimits(retry_after, latest_reset, tuple(budgets), implausible)


def _least(value: str) -> int | None:
    if _is_count(value):  # most fields have one value
        return int(value)
    return min(_counts(value), default=None)


def _counts(value: str) -> list[int]:
    return [int(item) for item in _items(value) if _is_count(item)]


def _items(value: str) -> list[str]:
    """Return the values of a repeated field."""
    return [stripped for item in _ITEM.findall(value) if (stripped := item.strip())]


def _is_count(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _MOST_DIGITS


@lru_cache(maxsize=8)  # responses within a second share their date and their windows
def _read_reset(value: str, now: float) -> tuple[int | None, float | None, bool]:
    """Return the end of a window as given, the seconds until then, and whether all of them are plausible."""
    ends = _counts(value)
    waits = [end / 1000 - now for end in ends]
    plausible = [wait for wait in waits if 0 < wait <= LATEST_RESET]
    is_readable = len(ends) == len(_items(value))
    is_plausible = is_readable and all(-LATEST_RETRY_AFTER <= wait <= LATEST_RESET for wait in waits)
    return max(ends, default=None), max(plausible, default=None), is_plausible


def _retry_after(value: str, now: float) -> tuple[float | None, bool]:
    """Return the longest of one or more waits, each in seconds or until a moment (RFC 9110, 10.2.3).

    The second value is whether all of them are plausible.
    """
    waits = []
    is_plausible = True
    for item in _items(value):
        readings = _readings(item, now)
        wait = next((wait for wait in readings if -LATEST_RETRY_AFTER <= wait <= LATEST_RETRY_AFTER), None)
        if wait is None:
            is_plausible = False
        else:
            waits.append(wait)
    return max(waits, default=None), is_plausible


def _readings(text: str, now: float) -> list[float]:
    """Return the waits that ``Retry-After`` can mean: seconds, epoch seconds or milliseconds, a date."""
    if _SECONDS.fullmatch(text):
        number = float(text)
        return [number, number - now, number / 1000 - now]
    moment = _http_date(text)
    return [] if moment is None else [moment - now]


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
        binds_until: The part of ``until`` that binds even an import's last poll at its deadline; None if all
            of it does. A fault's time does not: whatever sent it may not know the import.
    """

    until: float
    resume_at: float
    named: bool
    in_a_row: int = 0
    binds_until: float | None = None

    @property
    def last_poll_at(self) -> float:
        """The time before which not even a last poll is sent."""
        return self.until if self.binds_until is None else self.binds_until
