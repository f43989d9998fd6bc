"""The HTTP server: its start and its shutdown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from watcher.simulator.access import access_middleware, add_headers
from watcher.simulator.handlers import Handlers
from watcher.simulator.rate_limits import Limit
from watcher.simulator.scenarios import SCENARIOS
from watcher.simulator.store import ImportStore
from watcher.simulator.uploads import MAXIMUM_FORM_BYTES

_HOST: Final = "127.0.0.1"


def _is_defect(record: logging.LogRecord) -> bool:
    """Return False for a client that does not speak HTTP, which is not worth a log line."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_LOGGER: Final = logging.getLogger(__name__)
_LOGGER.addFilter(_is_defect)


@asynccontextmanager
async def serve(
    *,
    scenario: str = "happy",
    port: int = 0,
    speed: float = 1.0,
    rate_limit: int | Mapping[Limit, int] | None = None,
    token: str | None = None,
    approve_after: float | None = None,
    begin_when_read: bool = False,
    log: Callable[[str], None] | None = None,
) -> AsyncIterator[str]:
    """Serve the import API on loopback while the context lasts, and yield its base URI.

    Args:
        scenario: A name from `SCENARIOS`: the life of every import.
        port: The port to listen on; 0 is any free one.
        speed: How many times faster than real time imports progress; rate limits stay in real time.
        rate_limit: Requests allowed in ten seconds for each limit; a number is the account's limit.
        token: The only access token that is accepted; None accepts any.
        approve_after: Seconds at speed 1 until a waiting import is approved; None keeps the scenario's value.
        begin_when_read: Start the life of each import at its first read, for readers that start slowly.
        log: Receives one line for each request, without the token.

    Raises:
        OSError: The port is not available.
    """
    life = SCENARIOS[scenario]
    if approve_after is not None:
        life = replace(life, approve_after=approve_after)
    handlers = Handlers(ImportStore(life, speed=speed, begin_when_read=begin_when_read), speed=speed)
    limits = {Limit.ACCOUNT: rate_limit} if isinstance(rate_limit, int) else rate_limit or {}
    app = web.Application(
        middlewares=[access_middleware(token, limits, log)], client_max_size=MAXIMUM_FORM_BYTES
    )
    app.on_response_prepare.append(add_headers)
    app.add_routes(handlers.routes())
    runner = web.AppRunner(app, access_log=None, logger=_LOGGER, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, port).start()
        yield f"http://{_HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
