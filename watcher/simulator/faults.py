"""Faults: what a read of an import gets instead of the import."""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from watcher.simulator.access import limit_headers
from watcher.simulator.errors import ApiError, Error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DELAY_SECONDS: Final = 2.0
_HOLD_SECONDS: Final = 1
_RETRY_AFTER: Final = {"Retry-After": str(_HOLD_SECONDS)}
_BAD_GATEWAY_PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
_LOGIN_PAGE: Final = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


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


class _TruncatedResponse(web.Response):
    """A response whose connection drops after half of the body."""

    def __init__(self, body: bytes, transport: asyncio.Transport | None) -> None:
        super().__init__(body=body, content_type="application/json")
        self._sent = body[: len(body) // 2]
        self._transport = transport

    async def write_eof(self, data: bytes = b"") -> None:
        """Write half of the body and drop the connection."""
        del data
        await self.write(self._sent)
        _drop(self._transport)
        raise ConnectionResetError


def _throttled(headers: Mapping[str, str]) -> web.Response:
    return ApiError(Error.RATE_LIMITED, headers=headers).response()


def _reset() -> int:
    return round((time.time() + _HOLD_SECONDS) * 1000)


def _page(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")


def _drop(transport: asyncio.Transport | None) -> web.Response:
    """Close the connection, and return a response that does not arrive."""
    if transport is not None:
        transport.close()
    return web.Response()


_RESPONSES: Final[Mapping[Fault, Callable[[bytes, asyncio.Transport | None], web.Response]]] = {
    Fault.THROTTLED_BARE: lambda *_: _throttled({}),
    Fault.THROTTLED_GLOBAL: lambda *_: _throttled(limit_headers("Global-", 10, 0, _reset())),
    Fault.THROTTLED_TOKEN: lambda *_: _throttled(
        limit_headers("Auth-Token-", 5, 0, _reset(), reset_kind="Auth-Token-")
    ),
    Fault.THROTTLED_ADDRESS: lambda *_: _throttled(_RETRY_AFTER),
    Fault.INTERNAL_ERROR: lambda *_: ApiError(Error.INTERNAL).response(),
    Fault.BAD_GATEWAY: lambda *_: _page(HTTPStatus.BAD_GATEWAY, _BAD_GATEWAY_PAGE),
    Fault.UNAVAILABLE: lambda *_: web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY_AFTER),
    Fault.NOT_JSON: lambda *_: _page(HTTPStatus.OK, _LOGIN_PAGE),
    Fault.SLOW: lambda body, _: web.Response(body=body, content_type="application/json"),
    Fault.DROPPED_BEFORE: lambda _, transport: _drop(transport),
    Fault.DROPPED_WITHIN: _TruncatedResponse,
}


async def respond(
    fault: Fault, body: bytes, transport: asyncio.Transport | None, *, speed: float
) -> web.Response:
    """Respond to a read with a fault.

    Args:
        fault: The fault.
        body: The JSON of the import.
        transport: The connection; None if the client has closed it.
        speed: The speed of the simulation; it shortens the delay of a slow response.

    Returns:
        The response. If the connection drops, it arrives in part or not at all.
    """
    if fault is Fault.SLOW:
        await asyncio.sleep(_DELAY_SECONDS / speed)
    return _RESPONSES[fault](body, transport)
