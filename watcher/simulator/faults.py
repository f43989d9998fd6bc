"""Faults sent instead of an import."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from enum import Enum, member
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from watcher.simulator.rate_limits import Limit, limit_headers
from watcher.simulator.responses import error_response, page

_RETRY_AFTER: Final = {"Retry-After": "1"}
_Body = dict[str, object]


def _throttled(limit: Limit, size: int) -> web.Response:
    reset = round((time.time() + 1) * 1000)
    return error_response(429, headers=limit_headers(limit, size, 0, reset))


def _login_redirect(request: web.Request, _body: _Body) -> web.Response:
    location = f"https://login.example/?return_to={quote(request.rel_url.raw_path, safe='')}"
    return page(302, "302 Found", server="nginx", headers={"Location": location})


def _sparse(_request: web.Request, body: _Body) -> web.Response:
    unusual: _Body = {"creationTime": str(body["creationTime"]), "files": None, "_links": {"self": {}}}
    return web.json_response(body | unusual)


def _drop(request: web.Request, _body: _Body) -> web.Response:
    """Close the connection, and return a response that does not arrive."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _truncated(request: web.Request, body: _Body) -> web.Response:
    encoded = json.dumps(body).encode()

    async def half() -> AsyncIterator[bytes]:
        yield encoded[: len(encoded) // 2]
        _drop(request, body)

    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(encoded))}
    return web.Response(body=half(), headers=headers)


class Fault(Enum):
    """Every fault; the value returns the response to a request for the import with this body."""

    THROTTLED_BARE = member(lambda *_: error_response(429))
    THROTTLED_GLOBAL = member(lambda *_: _throttled(Limit.ACCOUNT, 10))
    THROTTLED_TOKEN = member(lambda *_: _throttled(Limit.TOKEN, 5))
    THROTTLED_ADDRESS = member(lambda *_: error_response(429, headers=_RETRY_AFTER))
    INTERNAL_ERROR = member(lambda *_: error_response(500, id=str(uuid4())))
    UNAVAILABLE = member(lambda *_: error_response(503, headers=_RETRY_AFTER))
    FIREWALL = member(lambda *_: page(403, "Just a moment...", server="cloudflare"))
    NO_BACKEND = member(lambda *_: page(404, "404 Not Found", server="nginx"))
    BAD_GATEWAY = member(lambda *_: page(502, "502 Bad Gateway", server="nginx"))
    EMPTY = member(lambda *_: web.Response(status=503, headers={"Server": "nginx"}))
    LOGIN_REDIRECT = member(_login_redirect)
    LOGIN_PAGE = member(lambda *_: page(200, "Sign in", server="nginx"))
    SPARSE = member(_sparse)
    SLOW = member(lambda _, body: web.json_response(body))
    DROPPED_BEFORE = member(_drop)
    DROPPED_WITHIN = member(_truncated)


async def respond(fault: Fault, request: web.Request, body: _Body, *, speed: float) -> web.Response:
    """Respond to a read of an import with a fault; ``body`` is the import."""
    if fault is Fault.SLOW:
        await asyncio.sleep(2 / speed)
    response: web.Response = fault.value(request, body)
    return response
