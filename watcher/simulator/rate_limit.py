"""The account's rate limit, in real windows of ten seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limit says about one request.

    Args:
        allowed: Whether the request may pass.
        headers: The rate-limit headers of its response, whether it passes or not.
    """

    allowed: bool
    headers: Mapping[str, str]


class RateLimit:
    """Counts requests in windows that begin at the multiples of ten seconds of Unix time, as a server's do.

    Args:
        limit: How many requests pass in one window.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window = 0
        self._remaining = limit

    def take(self, now: float) -> Verdict:
        """Counts one request.

        Args:
            now: The wall time in Unix seconds.

        Returns:
            Whether it may pass, and the headers to send with its response.
        """
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._remaining = window, self._limit
        allowed = self._remaining > 0
        self._remaining -= allowed
        reset = (window + 1) * WINDOW_SECONDS * 1000
        return Verdict(allowed, limit_headers("Global-", self._limit, self._remaining, reset))


def limit_headers(
    kind: str, limit: int, remaining: int, reset: int, *, reset_kind: str = ""
) -> dict[str, str]:
    """Writes one limit as LaunchDarkly's headers.

    Args:
        kind: The limit's part of the names, with its hyphen, such as `Global-`.
        limit: How many requests pass in one window.
        remaining: How many more pass in this one.
        reset: When the window ends, in Unix milliseconds.
        reset_kind: The part of the reset's name: only the access token's limit has one of its own.
    """
    return {
        f"X-Ratelimit-{kind}Limit": str(limit),
        f"X-Ratelimit-{kind}Remaining": str(remaining),
        f"X-Ratelimit-{reset_kind}Reset": str(reset),
    }
