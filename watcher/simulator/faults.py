"""What a read that meets a fault is answered with."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from watcher.simulator.errors import ApiError, rate_limited
from watcher.simulator.rate_limit import limit_headers
from watcher.simulator.scenarios import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SLOW_SECONDS: Final = 2.0
_HOLD_SECONDS: Final = 1
_BAD_GATEWAY_PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
_LOGIN_PAGE: Final = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


class _TruncatedResponse(web.Response):
    """A response whose connection drops in the middle of the body that its headers announce."""

    def __init__(self, body: bytes, transport: asyncio.Transport | None) -> None:
        super().__init__(body=body, content_type="application/json")
        self._sent = body[: len(body) // 2]
        self._transport = transport

    async def write_eof(self, data: bytes = b"") -> None:
        """Writes half of the body, and drop the connection."""
        del data
        await self.write(self._sent)
        _drop(self._transport)
        raise ConnectionResetError


def _drop(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        transport.close()


def _reset() -> int:
    return round((time.time() + _HOLD_SECONDS) * 1000)


def _global_limit() -> Mapping[str, str]:
    return limit_headers("Global-", limit=10, remaining=0, reset=_reset())


def _token_limit() -> Mapping[str, str]:
    return limit_headers("Auth-Token-", limit=5, remaining=0, reset=_reset(), reset_kind="Auth-Token-")


def _internal_error() -> web.Response:
    message = "Internal server error"
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_service_error", message).response()


def _page(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")


_ANSWERS: Final[Mapping[Fault, Callable[[], web.Response]]] = {
    Fault.THROTTLED_BARE: lambda: rate_limited().response(),
    Fault.THROTTLED_GLOBAL: lambda: rate_limited(_global_limit()).response(),
    Fault.THROTTLED_TOKEN: lambda: rate_limited(_token_limit()).response(),
    Fault.THROTTLED_ADDRESS: lambda: rate_limited({"Retry-After": str(_HOLD_SECONDS)}).response(),
    Fault.INTERNAL_ERROR: _internal_error,
    Fault.BAD_GATEWAY: lambda: _page(HTTPStatus.BAD_GATEWAY, _BAD_GATEWAY_PAGE),
    Fault.UNAVAILABLE: lambda: web.Response(
        status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(_HOLD_SECONDS)}
    ),
    Fault.NOT_JSON: lambda: _page(HTTPStatus.OK, _LOGIN_PAGE),
}


async def answer_with(
    fault: Fault, good: bytes, transport: asyncio.Transport | None, *, speed: float
) -> web.Response:
    """Answers a read with a fault.

    Args:
        fault: What the read meets.
        good: The JSON that it would have been answered with.
        transport: The connection it came on; None when the client has left already.
        speed: How many times faster than real time a slow answer comes.

    Returns:
        The response; of a dropped connection nothing, or not all, of it arrives.
    """
    match fault:
        case Fault.SLOW:
            await asyncio.sleep(_SLOW_SECONDS / speed)
            return web.Response(body=good, content_type="application/json")
        case Fault.DROPPED_WITHIN:
            return _TruncatedResponse(good, transport)
        case Fault.DROPPED_BEFORE:
            _drop(transport)
            return web.Response()
        case _:
            return _ANSWERS[fault]()
