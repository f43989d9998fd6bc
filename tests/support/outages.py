"""A server of imports that can be down."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/api/v2/segments/{project}/{environment}/{segment}/imports/{id}"


class Api:
    """The API of imports that all have one status, and its outages.

    Attributes:
        base_uri: Where it is served.
        status: The status of every import.
        down: Whether it responds with 503.
        seen: The imports that were requested since this was last cleared.
    """

    def __init__(self) -> None:
        self.base_uri = ""
        self.status = "in_progress"
        self.down = False
        self.seen: set[str] = set()

    async def respond(self, request: web.Request) -> web.Response:
        """Respond to one request."""
        keys = request.match_info
        self.seen.add(keys["id"])
        if self.down:
            return web.Response(status=503)
        body = {"id": keys["id"], "segmentKey": keys["segment"], "creationTime": 1654104600000}
        return web.json_response(body | {"mode": "merge", "status": self.status, "_links": {}})


@contextmanager
def serving_outages() -> Iterator[Api]:
    """Serve such an API in a thread."""
    api, loop, listening = Api(), asyncio.new_event_loop(), threading.Event()
    ended = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get(PATH, api.respond)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api.base_uri = f"http://127.0.0.1:{runner.addresses[0][1]}"
        listening.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert listening.wait(10)
        yield api
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
