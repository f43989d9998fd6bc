"""The HTTP server: who may ask, what each path answers, and how it starts and stops."""

from __future__ import annotations

import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from watcher.simulator.arguments import check_access, check_address, check_timing
from watcher.simulator.errors import ApiError, from_http, rate_limited, unauthorized
from watcher.simulator.handlers import Handlers
from watcher.simulator.rate_limit import RateLimit
from watcher.simulator.scenarios import SCENARIOS
from watcher.simulator.store import ImportStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler

_SHUTDOWN_SECONDS: Final = 0.1


def _is_defect(record: logging.LogRecord) -> bool:
    """Tells a defect of the simulator from a client that does not speak HTTP, which is no news."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_LOGGER: Final = logging.getLogger(__name__)
_LOGGER.addFilter(_is_defect)


class _Gate:
    """Lets requests pass that carry the token and are within the rate limit; writes errors as JSON."""

    def __init__(self, token: str | None, rate_limit: int | None) -> None:
        self._token = token
        self._rate_limit = None if rate_limit is None else RateLimit(rate_limit)

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers one request."""
        if not self._is_authorized(request.headers.get("Authorization", "")):
            return unauthorized().response()
        if self._rate_limit is None:
            return await _answer(request, handler)
        verdict = self._rate_limit.take(time.time())
        response = await _answer(request, handler) if verdict.allowed else rate_limited().response()
        for name, value in verdict.headers.items():
            response.headers.setdefault(name, value)
        return response

    def _is_authorized(self, token: str) -> bool:
        return bool(token) if self._token is None else token == self._token


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as exception:
        return from_http(exception).response()


@asynccontextmanager
async def serve(
    *,
    scenario: str = "happy",
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    rate_limit: int | None = None,
    token: str | None = None,
    approve_after: float | None = None,
    begin_when_read: bool = False,
) -> AsyncIterator[str]:
    """Serves the import API on loopback for as long as the context lasts.

    Args:
        scenario: What every import lives through: a name from `SCENARIOS`.
        host: The loopback address to listen on.
        port: The port to listen on; 0 takes any free one.
        speed: How many times faster than real time the scenario goes; rate limits stay in real time.
        rate_limit: How many requests pass in ten seconds; None is no limit.
        token: The only access token that is accepted; None accepts any.
        approve_after: Approves an import that has waited so long, in seconds at speed 1; None leaves that to
            the scenario.
        begin_when_read: Begins the life of each import at its first read, for readers that start slowly.

    Yields:
        The base URI, such as `http://127.0.0.1:41234`. It is listening.

    Raises:
        ValueError: An argument is out of its range.
        OSError: The address cannot be listened on.
    """
    check_timing(scenario, speed, approve_after)
    check_address(host, port)
    check_access(rate_limit, token)
    store = ImportStore(
        SCENARIOS[scenario], speed=speed, approve_after=approve_after, begin_when_read=begin_when_read
    )
    app = web.Application(middlewares=[_Gate(token, rate_limit).handle])
    app.add_routes(Handlers(store, speed=speed).routes())
    runner = web.AppRunner(app, access_log=None, logger=_LOGGER, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield (
            f"http://[{bound_host}]:{bound_port}"
            if ":" in bound_host
            else f"http://{bound_host}:{bound_port}"
        )
    finally:
        await runner.cleanup()
