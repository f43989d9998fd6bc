"""Reads that may block before the watch: in a daemon thread, under the timeout and signals."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeVar

from watcher.api.threads import start_in_daemon_thread

STANDARD_INPUT = "standard input"

NOTICE_AFTER = 2.0
"""Seconds without input after which the user is told what the run is waiting for."""

_Value = TypeVar("_Value")


class Unread(Exception):  # noqa: N818 (nothing is wrong with the program)
    """A read was given up, because of the deadline or a signal."""


class Reading:
    """The read in progress: a thread updates it, and the event loop reads it.

    Attributes:
        source: How messages name the file or pipe.
        advice: What the user can do meanwhile; empty if nothing.
        silent_since: When the read began or last received something, in seconds on the clock of event loops.
    """

    def __init__(self) -> None:
        self.source = ""
        self.advice = ""
        self.silent_since = 0.0

    def begin(self, source: str, advice: str = "") -> None:
        """Record that a read begins."""
        self.source, self.advice = source, advice
        self.received()

    def received(self) -> None:
        """Record that something was received."""
        self.silent_since = time.monotonic()

    @property
    def notice(self) -> str:
        """The message that the run is waiting for input."""
        return f"waiting for {self.source}{f'. {self.advice}' if self.advice else ''}"


class ThreadReader:
    """Call functions that may block in threads, which are abandoned at a deadline or after a signal.

    Args:
        reading: The functions record their reads there.
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
        stopped = loop.create_task(self._stop.wait())
        try:
            while not result.done():
                wakeup = min(self._deadline, self._notice_at)
                timeout = None if wakeup == math.inf else max(0.0, wakeup - loop.time())
                await asyncio.wait((result, stopped), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if not result.done() and (stopped.done() or loop.time() >= self._deadline):
                    raise Unread
                if loop.time() >= self._notice_at:
                    self._is_notified = True
                    self._notify(self._reading.notice)
            return result.result()
        finally:
            stopped.cancel()
            result.cancel()

    @property
    def _notice_at(self) -> float:
        return math.inf if self._is_notified else self._reading.silent_since + NOTICE_AFTER


def read_within(
    limit: float, read: Callable[[], _Value], reading: Reading, notify: Callable[[str], None]
) -> _Value | None:
    """Return what a function returns within ``limit`` seconds, else None; for use without an event loop.

    ``notify`` is called with a message after ``NOTICE_AFTER`` seconds.
    """
    result = start_in_daemon_thread(read)
    try:
        return result.result(min(limit, NOTICE_AFTER))
    except TimeoutError:
        if limit <= NOTICE_AFTER:
            return None
    notify(reading.notice)
    try:
        return result.result(limit - NOTICE_AFTER)
    except TimeoutError:
        return None
