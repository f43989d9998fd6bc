"""Access control, and the error responses of the API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

WINDOW_SECONDS: Final = 10
_INVALID_REQUEST: Final = ("invalid_request", None)
_ERRORS: Final[Mapping[int, tuple[str, str | None]]] = {
    401: ("unauthorized", "Invalid access token"),
    404: ("not_found", "Invalid resource identifier"),
    405: ("method_not_allowed", "Method Not Allowed"),
    409: ("conflict", None),
    413: ("invalid_request", "Request Entity Too Large"),
    429: ("rate_limited", "You've exceeded the API rate limit. Try again later."),
    500: ("internal_service_error", "Internal server error"),
}
"""The code for each HTTP status, and its message if that is always the same."""


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


def error_response(
    status: int, message: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an error of the API with a new request ID."""
    code, fixed_message = _ERRORS.get(status, _INVALID_REQUEST)
    body = {"code": code, "message": fixed_message or message, "id": str(uuid4())}
    return web.json_response(body, status=status, headers=headers)


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
            allow = {name: value for name, value in error.headers.items() if name == "Allow"}
            response = error_response(error.status, error.text, allow)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return handle
