"""LaunchDarkly's rate limits and their headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_WINDOW: Final = 10  # seconds


class Limit(StrEnum):
    """Who shares a limit: all requests of the account, those of one route, or those with one token."""

    ACCOUNT = "account"
    ROUTE = "route"
    TOKEN = "token"  # noqa: S105 (a name)


_HEADERS: Final = {
    Limit.ACCOUNT: ("Global-", ""),
    Limit.ROUTE: ("Route-", ""),
    Limit.TOKEN: ("Auth-Token-", "Auth-Token-"),
}
"""The part of the header names for each limit: of its size, and of its reset."""


class RateLimits:
    """Numbers of requests that are allowed in each window of ten seconds of Unix time, as at LaunchDarkly."""

    def __init__(self, sizes: Mapping[Limit, int]) -> None:
        self._sizes = sizes
        self._window = 0
        self._used: Counter[tuple[Limit, str]] = Counter()

    def take(
        self, now: float, *, route: str = "", token: str = ""
    ) -> tuple[bool, dict[Limit, int], dict[str, str]]:
        """Count a request at a Unix time in seconds, unless one of the limits refuses it.

        Returns:
            Whether it is allowed, the requests left of each limit, and the response headers.
        """
        window = int(now // _WINDOW)
        if window != self._window:
            self._window = window
            self._used.clear()
        sharers = {Limit.ACCOUNT: "", Limit.ROUTE: route, Limit.TOKEN: token}
        keys = {limit: (limit, sharers[limit]) for limit in self._sizes}
        allowed = all(self._used[key] < self._sizes[limit] for limit, key in keys.items())
        if allowed:
            self._used.update(keys.values())
        left = {limit: self._sizes[limit] - self._used[key] for limit, key in keys.items()}
        reset = (window + 1) * _WINDOW * 1000
        headers: dict[str, str] = {}
        for limit, remaining in left.items():
            headers |= limit_headers(limit, self._sizes[limit], remaining, reset)
        return allowed, left, headers


def limit_headers(limit: Limit, size: int, remaining: int, reset: int) -> dict[str, str]:
    """Return LaunchDarkly's headers for one limit, which resets in Unix milliseconds."""
    kind, reset_kind = _HEADERS[limit]
    return {
        f"X-Ratelimit-{kind}Limit": str(size),
        f"X-Ratelimit-{kind}Remaining": str(remaining),
        f"X-Ratelimit-{reset_kind}Reset": str(reset),
    }
