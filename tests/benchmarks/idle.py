"""The processor time of waiting."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.runner import Runner

WAITS = 4
"""Concurrent waits; they use hardly any processor time."""

START_UP = 4.0
"""Seconds at the start that do not count; they include the first poll."""

INTERVAL = 20.0
"""Seconds between polls, fewer than the mean of the default schedule over an hour.

The measurement covers one interval: one poll and the wait around it.
"""

_NANOSECOND = 1e-9
_TARGET = "default/in_progress/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f"


def measure_idle(runner: Runner, _effort: Effort) -> list[Figure]:
    """Measure the processor time of waits for one import, at the default schedule's mean pace."""
    pace = ("--min-interval", f"{INTERVAL:g}s", "--max-interval", f"{INTERVAL:g}s")
    with ExitStack() as stack:
        waits = [stack.enter_context(runner.running("-m", "watcher", _TARGET, *pace)) for _ in range(WAITS)]
        sleep(START_UP)
        before = [(perf_counter(), _processor_seconds(wait.process.pid)) for wait in waits]
        sleep(INTERVAL)
        after = [(perf_counter(), _processor_seconds(wait.process.pid)) for wait in waits]
        for wait in waits:
            wait.process.send_signal(signal.SIGTERM)
            wait.finish(code=128 + signal.SIGTERM)
    shares = [
        (used - used_before) / (moment - moment_before)
        for (moment_before, used_before), (moment, used) in zip(before, after, strict=True)
    ]
    return [Figure("waiting for one import", Unit.SHARE, Goal(0.001), shares)]


def _processor_seconds(pid: int) -> float:
    """Return the processor time of all threads of a process; the kernel's first number is nanoseconds."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text("ascii").split()[0]) for thread in threads) * _NANOSECOND
