"""SIGINT and SIGTERM during a run: the first ends it soon with everything told, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)

LONGEST_GOODBYE = 0.7
"""Seconds after a signal within which the process ends, though nobody reads what it writes."""


class Signals:
    """Takes the signals of the process.

    Args:
        interrupt: Ends the run soon, given the signal's number; called in the loop's thread.
        hands_over: Whether a command takes the process over after the run. A signal that comes too late for
            the run must not be lost then, but end the process before the command begins.

    Attributes:
        number: The signal that came.
    """

    def __init__(self, interrupt: Callable[[int], None], *, hands_over: bool = False) -> None:
        self.number: int | None = None
        self._code: int | None = None
        self._interrupt = interrupt
        self._hands_over = hands_over
        self._came = asyncio.Event()
        self._last_resort: threading.Timer | None = None

    @contextmanager
    def received(self) -> Iterator[None]:
        """Takes the signals for as long as the context lasts; entered in the running loop's main thread.

        Yields:
            Nothing.
        """
        loop = asyncio.get_running_loop()

        def receive(number: int, _frame: object) -> None:
            # Not the loop's own handlers: those would not run while a write to a full pipe blocks.
            if self.number is not None:
                self._leave(number)
            self.number = number
            Stream.hurry()
            loop.call_soon_threadsafe(self._tell, number)
            self._set_last_resort(number)

        numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in numbers:
            signal.signal(number, receive)
        try:
            yield
        finally:
            for number in numbers:
                # The end has been told and stays what it is, unless a command is still to begin.
                signal.signal(number, signal.SIG_DFL if self._hands_over else signal.SIG_IGN)
            if self._last_resort is not None:
                self._last_resort.cancel()
                self._last_resort.join()  # two threads must not end the process at the same moment

    def _set_last_resort(self, number: int) -> None:
        timer = threading.Timer(LONGEST_GOODBYE, self._leave, (number,))
        timer.daemon = True
        with suppress(RuntimeError):  # the system may have no thread left
            timer.start()
            self._last_resort = timer

    def told(self, code: int) -> None:
        """Notes that the run has told its end, which a signal does not change any more.

        A success with a command is no end yet: whoever sends a signal must not take it for the command's.

        Args:
            code: The run's exit code.
        """
        if code != 0 or not self._hands_over:
            self._code = code

    async def wait(self) -> None:
        """Waits for one to come."""
        await self._came.wait()

    def _tell(self, number: int) -> None:
        self._came.set()
        self._interrupt(number)

    def _leave(self, number: int) -> None:
        os._exit(128 + number if self._code is None else self._code)
