"""Faults: what a read of an import gets instead of the import."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from watcher.simulator.rate_limits import Limit, limit_headers
from watcher.simulator.responses import error_response, page

_RETRY_AFTER: Final = {"Retry-After": "1"}


class Fault(StrEnum):
    """Every fault; to add one, add it here and to `_RESPONSES`."""

    THROTTLED_BARE = "429 that does not say how long to wait"
    THROTTLED_GLOBAL = "429 by the account's limit, which resets a second later"
    THROTTLED_TOKEN = "429 by the access token's limit, which resets a second later"  # noqa: S105 - prose
    THROTTLED_ADDRESS = "429 by the address's limit, with Retry-After: 1"
    INTERNAL_ERROR = "500 with a JSON body and an ID for support"
    UNAVAILABLE = "503 with Retry-After: 1 and a JSON body"
    FIREWALL = "a firewall's 403 page"
    NO_BACKEND = "a gateway's 404 page"
    BAD_GATEWAY = "a gateway's 502 page"
    EMPTY = "a gateway's 503 without a body"
    LOGIN_REDIRECT = "a gateway's redirect to a login page"
    LOGIN_PAGE = "a gateway's login page with 200"
    SPARSE = "the import, as a valid object with unusual optional fields"
    SLOW = "the import, two seconds late at speed 1"
    DROPPED_BEFORE = "the connection drops before the response"
    DROPPED_WITHIN = "the connection drops within the body"


_Body = dict[str, object]


def _throttled(limit: Limit, size: int) -> web.Response:
    reset = round((time.time() + 1) * 1000)
    return error_response(429, headers=limit_headers(limit, size, 0, reset))


def _login_redirect(request: web.Request) -> web.Response:
    location = f"https://login.example/?return_to={quote(request.rel_url.raw_path, safe='')}"
    return page(302, "302 Found", server="nginx", headers={"Location": location})


def _sparse(body: _Body) -> web.Response:
    unusual: _Body = {"creationTime": str(body["creationTime"]), "files": None, "_links": {"self": {}}}
    return web.json_response(body | unusual)


def _drop(request: web.Request) -> web.Response:
    """Close the connection, and return a response that does not arrive."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _truncated(request: web.Request, body: _Body) -> web.Response:
    encoded = json.dumps(body).encode()

    async def half() -> AsyncIterator[bytes]:
        yield encoded[: len(encoded) // 2]
        _drop(request)

    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(encoded))}
    return web.Response(body=half(), headers=headers)


_RESPONSES: Final[Mapping[Fault, Callable[[web.Request, _Body], web.Response]]] = {
    Fault.THROTTLED_BARE: lambda *_: error_response(429),
    Fault.THROTTLED_GLOBAL: lambda *_: _throttled(Limit.ACCOUNT, 10),
    Fault.THROTTLED_TOKEN: lambda *_: _throttled(Limit.TOKEN, 5),
    Fault.THROTTLED_ADDRESS: lambda *_: error_response(429, headers=_RETRY_AFTER),
    Fault.INTERNAL_ERROR: lambda *_: error_response(500, id=str(uuid4())),
    Fault.UNAVAILABLE: lambda *_: error_response(503, headers=_RETRY_AFTER),
    Fault.FIREWALL: lambda *_: page(403, "Just a moment...", server="cloudflare"),
    Fault.NO_BACKEND: lambda *_: page(404, "404 Not Found", server="nginx"),
    Fault.BAD_GATEWAY: lambda *_: page(502, "502 Bad Gateway", server="nginx"),
    Fault.EMPTY: lambda *_: web.Response(status=503, headers={"Server": "nginx"}),
    Fault.LOGIN_REDIRECT: lambda request, _: _login_redirect(request),
    Fault.LOGIN_PAGE: lambda *_: page(200, "Sign in", server="nginx"),
    Fault.SPARSE: lambda _, body: _sparse(body),
    Fault.SLOW: lambda _, body: web.json_response(body),
    Fault.DROPPED_BEFORE: lambda request, _: _drop(request),
    Fault.DROPPED_WITHIN: _truncated,
}


async def respond(fault: Fault, request: web.Request, body: _Body, *, speed: float) -> web.Response:
    """Respond to a read of an import with a fault; ``body`` is the import."""
    if fault is Fault.SLOW:
        await asyncio.sleep(2 / speed)
    return _RESPONSES[fault](request, body)
