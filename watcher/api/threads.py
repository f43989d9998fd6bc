"""Calls that may block for ever, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_daemon_thread(function: Callable[[], _Result]) -> _Result:
    """Return the result of a function that may block for ever.

    Unlike the threads of an executor, this one delays neither the end of the loop nor the exit.
    """
    promise: Future[_Result] = Future()
    promise.set_running_or_notify_cancel()

    def run() -> None:
        try:
            promise.set_result(function())
        except BaseException as error:  # noqa: BLE001 (raised in the loop's thread)
            promise.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(promise)
