"""The import that a pipe has created, for a run that does not watch it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING

from watcher.cli.outputs import make_line_log
from watcher.cli.target_lists import created_import
from watcher.cli.thread_reader import ThreadReader, Unread
from watcher.core.messages.progress import Level
from watcher.reports.report import Reports

if TYPE_CHECKING:
    from watcher.cli.inputs import InputReader
    from watcher.cli.signals import Signals

_PATIENCE = 30.0
"""Seconds that a failed run waits for the pipe at most. The shell waits for the end of the pipe anyway."""


def find_created_import(inputs: InputReader, signals: Signals) -> str | None:
    """Return a sentence about the import that standard input names, if there is one.

    Raises:
        Interrupted: A signal arrived meanwhile.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    signals.check()
    return asyncio.run(_find(inputs, signals))


async def _find(inputs: InputReader, signals: Signals) -> str | None:
    settings, loop, stop = inputs.settings, asyncio.get_running_loop(), asyncio.Event()
    reports = Reports([make_line_log(settings)], inputs.conceal)

    def interrupt(_: int) -> None:
        loop.call_soon_threadsafe(stop.set)

    signals.call(interrupt)
    reader = ThreadReader(
        inputs.reading,
        deadline=loop.time() + min(_PATIENCE, settings.timeout or _PATIENCE),
        stop=stop,
        notify=partial(reports.notify, Level.INFO, "waiting_for_input"),
    )
    try:
        return await reader.call(partial(created_import, inputs.lists))
    except Unread:
        signals.check()
        return None
    finally:
        signals.call(None)
