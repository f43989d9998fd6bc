"""The HTTP endpoints in a thread, and a plain client."""

from __future__ import annotations

import asyncio
import http.client
import threading
from contextlib import contextmanager
from queue import Queue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watcher.reports.http.app import Endpoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.core.exit_codes import Result
    from watcher.reports.results import ResultBuilder


def view_of(builder: ResultBuilder, *, result: Result | None = None) -> Endpoints:
    """Return a view that needs no refresh and is never overdue."""
    return Endpoints(builder, lambda: None, lambda: 0.0, result)


@contextmanager
def served(view: Endpoints, host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """Serve the endpoints in a thread and yield their address; no client may cause an error in the loop."""
    started: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, str]] = Queue()
    errors: list[dict[str, object]] = []

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        async with view.serving(host, 0) as url:
            started.put((loop, stop, url))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop, url = started.get(timeout=10)
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        yield parts.hostname, parts.port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()
        assert errors == []


def ask(
    address: tuple[str, int],
    path: str = "/healthz",
    method: str = "GET",
    *,
    body: bytes | None = None,
    accept: str = "",
    host: str | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send one request and return the response with its body; ``host`` is a header."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=host is not None)
        if host is not None:
            connection.putheader("Host", host)
        connection.putheader("Accept", accept)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()
