"""Access control: the access token and the account's rate limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from watcher.simulator.errors import error_response, translated

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

WINDOW_SECONDS: Final = 10


class RateLimit:
    """A number of requests that is allowed in each window of ten seconds of Unix time, as at LaunchDarkly."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window = 0
        self._remaining = limit

    def take(self, now: float) -> tuple[bool, dict[str, str]]:
        """Count a request at a Unix time in seconds; return whether it is allowed, and its headers."""
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._remaining = window, self._limit
        allowed = self._remaining > 0
        self._remaining -= allowed
        reset = (window + 1) * WINDOW_SECONDS * 1000
        return allowed, limit_headers("Global-", self._limit, self._remaining, reset)


def limit_headers(
    kind: str, limit: int, remaining: int, reset: int, *, reset_kind: str = ""
) -> dict[str, str]:
    """Return LaunchDarkly's headers for one rate limit.

    ``kind`` is part of the header names, such as ``Global-``; only the access token's limit has a
    ``reset_kind``. The limit resets in Unix milliseconds.
    """
    return {
        f"X-Ratelimit-{kind}Limit": str(limit),
        f"X-Ratelimit-{kind}Remaining": str(remaining),
        f"X-Ratelimit-{reset_kind}Reset": str(reset),
    }


def gate(token: str | None, rate_limit: int | None) -> Middleware:
    """Return middleware that checks access and translates exceptions to the API's errors.

    Without a token it accepts any, and without a rate limit any number of requests.
    """
    limit = None if rate_limit is None else RateLimit(rate_limit)

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not given or token not in {None, given}:
            return error_response(401)
        allowed, headers = (True, {}) if limit is None else limit.take(time.time())
        try:
            response = await handler(request) if allowed else error_response(429)
        except web.HTTPException as error:
            response = translated(error)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return handle
