"""Measure how long a process takes to end, without the time that it waits for a CPU."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def seconds_to_end(process: subprocess.Popen[str], number: int, pid: int | None = None) -> float:
    """Send a signal, and return the seconds until the process has ended.

    On a busy machine, the time during which the process or this thread is runnable but does not run is not
    counted; on an idle one there is none.

    Args:
        process: The process; its output must fit into the pipes, or may block.
        number: The signal.
        pid: The ID of a child to send it to instead.

    Returns:
        The seconds.
    """
    signalled = process.pid if pid is None else pid
    began, before = time.monotonic(), _queued(signalled) + _queued(None)
    after = before
    os.kill(signalled, number)
    while process.poll() is None:
        with suppress(OSError, ValueError):  # it has just ended
            after = max(after, _queued(signalled) + _queued(None))
        time.sleep(0.005)
    return time.monotonic() - began - (after - before)


def _queued(pid: int | None) -> float:
    """Return how long the main thread of a process, or this thread, has been runnable without running."""
    statistics = Path("/proc", "thread-self" if pid is None else str(pid), "schedstat")
    if not Path("/proc/self/schedstat").exists():
        return 0.0
    return int(statistics.read_text().split()[1]) / 1e9
