"""Threads for name lookups, which cannot be cancelled."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")


class LookupExecutor(ThreadPoolExecutor):
    """Look up names in threads. Abandon hanging lookups at exit, because they cannot be cancelled."""

    def submit(
        self, fn: Callable[_Arguments, _Returned], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Returned]:
        """Run a lookup, or fail as a lookup does if the system has no thread left."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 (the base class's signature)
        """Do not wait for hanging lookups."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
