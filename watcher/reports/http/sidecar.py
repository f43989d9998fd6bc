"""The endpoints of one run: opened before the first request, renewed each second, closed at the end."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watcher.reports.http.endpoints import Endpoints
from watcher.reports.http.server import open_listener, serving, url_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from watcher.api.network import Address
    from watcher.reports.http.snapshot import Snapshot

PULSE = 1.0
"""Seconds from one snapshot to the next."""


class Sidecar:
    """Shows where the watch stands, over HTTP.

    Its thread reads nothing of the watch's. The watch's own loop hands a new snapshot over each second; where
    none comes any more, that loop is stuck.

    Args:
        listener: Where to listen.
        show: Tells where the watch stands; called in the running loop's thread.

    Attributes:
        url: Where it can be reached.
    """

    def __init__(self, listener: socket.socket, show: Callable[[], Snapshot]) -> None:
        self.url = url_of(listener)
        self._listener = listener
        self._show = show
        self._endpoints = Endpoints(show())
        self._pulse: asyncio.TimerHandle | None = None

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serves for as long as the context lasts.

        Yields:
            Nothing.
        """
        with serving(self._listener, self._endpoints.answer):
            self._beat()
            try:
                yield
            finally:
                if self._pulse is not None:
                    self._pulse.cancel()

    def publish(self) -> None:
        """Shows what has just happened, without waiting for the next pulse."""
        self._endpoints.publish(self._show())

    def _beat(self) -> None:
        self._pulse = asyncio.get_running_loop().call_later(PULSE, self._beat)
        self.publish()


async def open_sidecar(address: Address, show: Callable[[], Snapshot]) -> Sidecar:
    """Takes the address.

    Args:
        address: Where to listen.
        show: Tells where the watch stands.

    Returns:
        The sidecar, which does not serve yet.

    Raises:
        UsageError: The address cannot be listened on.
    """
    return Sidecar(await open_listener(address), show)
