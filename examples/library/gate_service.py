"""A web service that answers when an import is final; it keeps one ``Watcher`` for its whole life.

    LD_ACCESS_TOKEN=api-… python examples/library/gate_service.py

    curl -sS http://127.0.0.1:8080/imports/default/production/big-spenders/1234a567-…

The response comes when the import is final: 200 if it is complete, 503 if LaunchDarkly does not respond, and
409 for any other outcome, such as stopped or no such import. After 25 s without an end it is 202: ask again.
All requests share one rate limiter and one connection pool, and requests for the same import share its polls.
If a client goes away, its import is no longer polled.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

import watcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONGEST_RESPONSE = 25.0
"""Seconds; many proxies close a connection that is silent for 30 s."""

POLICY = watcher.Policy(appear_within=10, outage_budget=15)
"""Limits in seconds that are shorter than a response, because every request begins a new wait."""

WATCHER = web.AppKey("watcher", watcher.Watcher)


async def keep_watcher(app: web.Application) -> AsyncIterator[None]:
    """Open the watcher at the start of the service, and close it at the end."""
    token = os.environ.get("LD_ACCESS_TOKEN", "")  # or a Path, or an async function that reads a secret
    async with watcher.Watcher(token=token, base_uri=os.environ.get("LD_BASE_URI")) as app[WATCHER]:
        yield


async def wait(request: web.Request) -> web.Response:
    """Respond when the import is final."""
    try:
        async with asyncio.timeout(LONGEST_RESPONSE):
            ended = await request.app[WATCHER].wait(request.match_info["target"], policy=POLICY)
    except TimeoutError:
        return web.json_response({"outcome": None, "message": "not final yet"}, status=HTTPStatus.ACCEPTED)
    except watcher.WaitError as error:
        ended = error.ended
    except watcher.UsageError as error:
        return web.json_response({"message": str(error)}, status=HTTPStatus.BAD_REQUEST)
    body = {"outcome": ended.outcome, "status": ended.progress.status, "message": ended.message}
    return web.json_response(body, status=status_of(ended.outcome))


def status_of(outcome: watcher.Outcome) -> HTTPStatus:
    """Return the HTTP status for an outcome."""
    if outcome is watcher.Outcome.COMPLETE:
        return HTTPStatus.OK
    return HTTPStatus.SERVICE_UNAVAILABLE if outcome.worth_retrying else HTTPStatus.CONFLICT


def service() -> web.Application:
    """Return the service."""
    app = web.Application()
    app.cleanup_ctx.append(keep_watcher)
    app.add_routes([web.get("/imports/{target:.+}", wait)])
    return app


if __name__ == "__main__":
    # A client that goes away cancels its wait.
    web.run_app(service(), host="127.0.0.1", port=8080, handler_cancellation=True)
