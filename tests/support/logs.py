"""Logs on standard error, without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.reports.plain import PlainLog
from watcher.reports.trouble import COLLECTING

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.model import ImportRef
    from watcher.reports.lines import LineWriter


def nowhere(ref: ImportRef) -> None:
    """Return no snapshot."""
    del ref


def never(delay: float, function: Callable[[], None]) -> None:
    """Call nothing later."""
    del delay, function


def log_of(lines: LineWriter, *, several: bool = False) -> PlainLog:
    """Return a log that writes trouble and failures at once, each on its own."""

    def defer(delay: float, function: Callable[[], None]) -> None:
        if delay == COLLECTING:
            function()

    return PlainLog(lines, several=several, snapshot=nowhere, defer=defer)
