"""Middleware: access control, rate limits, headers and the request log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE
from aiohttp.typedefs import Handler, Middleware

from watcher.simulator.rate_limits import Limit, RateLimits
from watcher.simulator.responses import error_response, page


def access_middleware(
    token: str | None, sizes: Mapping[Limit, int], log: Callable[[str], None] | None
) -> Middleware:
    """Return middleware that checks access, and translates exceptions to the API's errors.

    Without a token it accepts any. It logs one line for each request: method, path, status, requests left.
    """
    limits = RateLimits(sizes)

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        response: web.StreamResponse | None = _refuse(request, given, token)
        left: Mapping[Limit, int] = {}
        if response is None:
            resource = request.match_info.route.resource
            route = f"{request.method} {resource.canonical if resource else ''}"
            allowed, left, headers = limits.take(time.time(), route=route, token=given)
            try:
                response = await handler(request) if allowed else error_response(429)
            except web.HTTPException as error:
                response = _translate(error)
            if "Server" not in response.headers:  # a gateway does not know the limits
                for name, value in headers.items():
                    response.headers.setdefault(name, value)
        if log is not None:
            dropped = request.transport is None or request.transport.is_closing()
            status = "dropped" if dropped else str(response.status)
            words = (f"{limit}={number}" for limit, number in left.items())
            log(" ".join((request.method, request.rel_url.raw_path, status, *words)))
        return response

    return handle


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add LaunchDarkly's headers to a response that is not from a gateway, which has a ``Server`` field."""
    if response.headers.get("Server") == SERVER_SOFTWARE:
        del response.headers["Server"]
        response.headers["Via"] = "1.1 varnish, 1.1 varnish"


def _refuse(request: web.Request, given: str, token: str | None) -> web.Response | None:
    """Return the error for an unknown route or method, or for a token that gives no access."""
    error = request.match_info.http_exception
    if error is not None:
        return page(404, "404 Not Found") if isinstance(error, web.HTTPNotFound) else _translate(error)
    kind, hyphen, _ = given.partition("-")
    if hyphen and kind in _REFUSALS:
        return _REFUSALS[kind](request)
    return error_response(401) if not given or token not in {None, given} else None


def _forbid(request: web.Request) -> web.Response:
    action = "viewProject" if request.method == "GET" else "updateIncluded"
    resource = "proj/{project}:env/{environment}:segment/{segment}".format_map(request.match_info)
    return error_response(403, reason={"effect": "deny"}, access={"action": action, "resource": resource})


_INVALID_TOKEN: Final = "invalid access token"  # noqa: S105 (a message)
_REFUSALS: Final[Mapping[str, Callable[[web.Request], web.Response]]] = {
    "unauthorized": lambda _: error_response(401, _INVALID_TOKEN),
    "invalid_token": lambda _: error_response(401, _INVALID_TOKEN, code="invalid_token"),
    "invalid_key": lambda _: error_response(401, "Invalid key"),
    "empty": lambda _: web.Response(status=401),
    "forbidden": _forbid,
}
"""The other refusals of the API, for tokens that begin with these words and a hyphen."""


def _translate(error: web.HTTPException) -> web.Response:
    """Return the API's error; only the message of 400 and 413 depends on the request."""
    allow = {name: value for name, value in error.headers.items() if name == "Allow"}
    return error_response(error.status, error.text if error.status in {400, 413} else None, headers=allow)
