"""Threads for calls that may block forever; neither the event loop nor the exit waits for them."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


async def in_daemon_thread(function: Callable[[], _Result]) -> _Result:
    """Return the result of a function that may block forever; see ``start_in_daemon_thread``."""
    return await asyncio.wrap_future(start_in_daemon_thread(function))


def start_in_daemon_thread(function: Callable[[], _Result]) -> Future[_Result]:
    """Call a function that may block forever, and return the future of its result.

    Unlike the threads of an executor, this one delays neither the end of the loop nor the exit. If the system
    has no thread left, the call blocks.
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


class LookupExecutor(ThreadPoolExecutor):
    """Look up names in threads, and abandon lookups that hang at the end."""

    def submit(
        self, fn: Callable[_Arguments, _Result], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Result]:
        """Run a lookup, or fail as a lookup does if the system has no thread left."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 (the base class's signature)
        """Do not wait for lookups that hang."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
