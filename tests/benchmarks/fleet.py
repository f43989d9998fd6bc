"""The memory of a large fleet, from reading the targets to printing the result."""

from __future__ import annotations

import resource
from time import sleep
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit
from tests.benchmarks.server import LATER_STATUSES

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.runner import Runner, Running
    from tests.benchmarks.server import Server

FEW = 100
MANY = 10_000

_ROUND = 1.1
"""Requests per import after which nearly every import has been polled once."""

_PEAK_BOUND = 100 * 2**20


def measure_memory(runner: Runner, _effort: Effort) -> list[Figure]:
    """Measure the peak memory of a large fleet and of a small one, once, because it hardly varies.

    The imports go through four statuses and the result is JSON, because an import that is final at the first
    poll costs less.

    Returns:
        The bytes for each further import, and those of the large fleet's whole process.
    """
    few = _watch_fleet(runner, FEW)
    many = _watch_fleet(runner, MANY)
    return [
        Figure("peak memory, each further import", Unit.BYTES, Goal(4096), [(many - few) / (MANY - FEW)]),
        Figure("peak memory, 10 000 imports, the whole process", Unit.BYTES, Goal(_PEAK_BOUND), [many]),
    ]


def _watch_fleet(runner: Runner, imports: int) -> int:
    server = runner.server
    targets = runner.write_targets("fleet", "preparing", imports)
    try:
        with runner.running("-m", "watcher", targets, "--output", "json") as running:
            _complete(server, running, imports)
            peak = running.finish(code=0).peak
    finally:
        server.reset()
    # Counted without parsing: the memory of this process would raise the peak of the next one.
    seen = runner.out.read_bytes().count(b'"expected":') / imports
    if seen < len(LATER_STATUSES):
        raise RuntimeError(f"only {seen:.1f} statuses per import were seen")
    return _checked_peak(peak)


def _complete(server: Server, running: Running, imports: int) -> None:
    for status in LATER_STATUSES:
        enough = server.requests() + _ROUND * imports
        while server.requests() < enough and not running.has_ended:
            sleep(0.05)
        server.show(status)


def _checked_peak(peak: int) -> int:
    """Return the peak of a process, which must be above that of this process: a child starts with it."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if peak <= own:
        raise RuntimeError(f"the benchmark process itself uses {own} bytes, more than the measured process")
    return peak
