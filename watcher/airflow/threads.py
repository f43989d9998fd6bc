"""Calls of Airflow's synchronous functions from a trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


async def call(
    function: Callable[_Arguments, _Result], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Result:
    """Call a function that asks Airflow's supervisor, without blocking the event loop.

    It uses the thread of asgiref, because Airflow 3.1 reaches its supervisor from no other one. If the caller
    is cancelled, the call goes on: a request without its response would end the whole triggerer (Airflow 3.1
    reads the response later and takes it for another one).
    """
    result: _Result = await asyncio.shield(sync_to_async(function)(*arguments, **named))
    return result
