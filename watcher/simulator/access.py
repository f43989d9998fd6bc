"""Access control: the access token and the account's rate limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from watcher.simulator.errors import ApiError, Error, from_http

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

WINDOW_SECONDS: Final = 10


class RateLimit:
    """A number of requests that is allowed in each window of ten seconds of Unix time, as at LaunchDarkly."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window = 0
        self._remaining = limit

    def take(self, now: float) -> bool:
        """Count a request at a Unix time in seconds, and return whether it is allowed."""
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._remaining = window, self._limit
        allowed = self._remaining > 0
        self._remaining -= allowed
        return allowed

    def headers(self) -> dict[str, str]:
        """Return the headers for the response to the request that was counted last."""
        reset = (self._window + 1) * WINDOW_SECONDS * 1000
        return limit_headers("Global-", self._limit, self._remaining, reset)


def limit_headers(
    kind: str, limit: int, remaining: int, reset: int, *, reset_kind: str = ""
) -> dict[str, str]:
    """Return LaunchDarkly's headers for one rate limit.

    Args:
        kind: The limit's part of the header names, such as `Global-`.
        limit: Requests that one window allows.
        remaining: Requests that are left in this window.
        reset: End of the window, in Unix milliseconds.
        reset_kind: The limit's part of the reset header; only the access token's limit has one.
    """
    return {
        f"X-Ratelimit-{kind}Limit": str(limit),
        f"X-Ratelimit-{kind}Remaining": str(remaining),
        f"X-Ratelimit-{reset_kind}Reset": str(reset),
    }


def gate(token: str | None, rate_limit: int | None) -> Middleware:
    """Return middleware that checks access and turns exceptions into the API's errors.

    Args:
        token: The only access token that is accepted; None accepts any.
        rate_limit: How many requests one window allows; None is no limit.
    """
    limit = None if rate_limit is None else RateLimit(rate_limit)

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not given or token not in {None, given}:
            return ApiError(Error.UNAUTHORIZED).response()
        if limit is None:
            return await _call(handler, request)
        allowed, headers = limit.take(time.time()), limit.headers()
        response = await _call(handler, request) if allowed else ApiError(Error.RATE_LIMITED).response()
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return handle


async def _call(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as exception:
        return from_http(exception).response()
