"""Calls that may block for ever, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_daemon_thread(function: Callable[[], _Result]) -> _Result:
    """Return the result of a function that may block for ever; see ``start_in_daemon_thread``."""
    return await asyncio.wrap_future(start_in_daemon_thread(function))


def start_in_daemon_thread(function: Callable[[], _Result]) -> Future[_Result]:
    """Call a function that may block for ever, and return the future of its result.

    Unlike the threads of an executor, this one delays neither the end of the loop nor the exit.
    """
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 (raised in the loop's thread)
            future.set_exception(error)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:  # the system has no thread left
        run()
    return future
