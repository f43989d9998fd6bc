"""Faults: what a read of an import gets instead of the import."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Final

from aiohttp import web

from watcher.simulator.access import error_response, limit_headers

_RETRY_AFTER: Final = {"Retry-After": "1"}


class Fault(StrEnum):
    """Every fault; to add one, add it here and to `_RESPONSES`."""

    THROTTLED_BARE = "429 that does not say how long to wait"
    THROTTLED_GLOBAL = "429 by the account's limit, which resets a second later"
    THROTTLED_TOKEN = "429 by the access token's limit, which resets a second later"  # noqa: S105 - prose
    THROTTLED_ADDRESS = "429 by the address's limit, with Retry-After: 1"
    INTERNAL_ERROR = "500 with a JSON body"
    BAD_GATEWAY = "502 with an HTML body"
    UNAVAILABLE = "503 with Retry-After: 1 and no body"
    NOT_JSON = "200 with an HTML body"
    SLOW = "the import, two seconds late at speed 1"
    DROPPED_BEFORE = "the connection drops before the response"
    DROPPED_WITHIN = "the connection drops within the body"


def _throttled(kind: str, limit: int, reset_kind: str = "") -> web.Response:
    reset = round((time.time() + 1) * 1000)
    return error_response(429, headers=limit_headers(kind, limit, 0, reset, reset_kind=reset_kind))


def _page(status: int, title: str) -> web.Response:
    text = f"<html><head><title>{title}</title></head><body>{title}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html", headers={"Server": "nginx"})


def _drop(request: web.Request) -> web.Response:
    """Close the connection, and return a response that does not arrive."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _truncated(request: web.Request, body: bytes) -> web.Response:
    async def half() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        _drop(request)

    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return web.Response(body=half(), headers=headers)


_RESPONSES: Final[Mapping[Fault, Callable[[web.Request, bytes], web.Response]]] = {
    Fault.THROTTLED_BARE: lambda *_: error_response(429),
    Fault.THROTTLED_GLOBAL: lambda *_: _throttled("Global-", 10),
    Fault.THROTTLED_TOKEN: lambda *_: _throttled("Auth-Token-", 5, "Auth-Token-"),
    Fault.THROTTLED_ADDRESS: lambda *_: error_response(429, headers=_RETRY_AFTER),
    Fault.INTERNAL_ERROR: lambda *_: error_response(500),
    Fault.BAD_GATEWAY: lambda *_: _page(502, "502 Bad Gateway"),
    Fault.UNAVAILABLE: lambda *_: web.Response(status=503, headers=_RETRY_AFTER),
    Fault.NOT_JSON: lambda *_: _page(200, "Sign in"),
    Fault.SLOW: lambda _, body: web.Response(body=body, content_type="application/json"),
    Fault.DROPPED_BEFORE: lambda request, _: _drop(request),
    Fault.DROPPED_WITHIN: _truncated,
}


async def respond(fault: Fault, request: web.Request, body: bytes, *, speed: float) -> web.Response:
    """Respond to a read with a fault; ``body`` is the JSON of the import."""
    if fault is Fault.SLOW:
        await asyncio.sleep(2 / speed)
    return _RESPONSES[fault](request, body)
