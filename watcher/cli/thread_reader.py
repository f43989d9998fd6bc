"""Reads that may block before the watch: in a daemon thread, under the timeout and signals."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TypeVar

from watcher.api.threads import start_in_daemon_thread
from watcher.cli.reading import Reading

NOTICE_AFTER = 2.0
"""Seconds without input after which the user is told what is being waited for."""

_Value = TypeVar("_Value")


class Unread(Exception):  # noqa: N818 (nothing is wrong with the program)
    """A read was given up, because of the deadline or a signal."""


class ThreadReader:
    """Call functions that may block in threads, which are abandoned at a deadline or after a signal.

    Args:
        reading: What the functions tell about their reads.
        deadline: When to give up, on the clock of the running loop in seconds.
        stop: Set to give up.
        notify: Called with a message, once, if nothing arrives for ``NOTICE_AFTER`` seconds.
    """

    def __init__(
        self, reading: Reading, *, deadline: float, stop: asyncio.Event, notify: Callable[[str], None]
    ) -> None:
        self._reading = reading
        self._deadline = deadline
        self._stop = stop
        self._notify = notify
        self._is_notified = False

    async def call(self, read: Callable[[], _Value]) -> _Value:
        """Return what the function returns, or raise its error.

        Raises:
            Unread: It has not returned in time.
        """
        loop = asyncio.get_running_loop()
        self._reading.received()
        result = asyncio.wrap_future(start_in_daemon_thread(read))
        ended = loop.create_task(_ended(result))
        stopped = loop.create_task(self._stop.wait())
        try:
            while not ended.done():
                wakeup = min(self._deadline, self._notice_at)
                timeout = None if wakeup == math.inf else max(0.0, wakeup - loop.time())
                await asyncio.wait({ended, stopped}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if not ended.done() and (stopped.done() or loop.time() >= self._deadline):
                    raise Unread
                if loop.time() >= self._notice_at:
                    self._is_notified = True
                    advice = f". {self._reading.advice}" if self._reading.advice else ""
                    self._notify(f"waiting for {self._reading.source}{advice}")
            return result.result()
        finally:
            for future in (ended, stopped):
                future.cancel()
            result.cancel()

    @property
    def _notice_at(self) -> float:
        return math.inf if self._is_notified else self._reading.silent_since + NOTICE_AFTER


async def _ended(future: asyncio.Future[_Value]) -> bool:
    await asyncio.wait({future})
    return True
