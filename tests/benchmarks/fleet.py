"""SavedWait: what each further import costs, from its name to its place in the result."""

from __future__ import annotations

import resource
from time import sleep
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit
from tests.benchmarks.server import LATER_STATUSES

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.server import Server
    from tests.benchmarks.workshop import Running, Workshop

FEW = 100
MANY = 10_000

_ROUND = 1.1
"""Requests for each import within which nearly all of them are asked for once."""

_PEAK_BOUND = 100 * 2**20


def measure_memory(workshop: Workshop, _effort: Effort) -> list[Figure]:
    """Measures the peak of a large fleet's process against that of a small one, once: it hardly varies.

    The imports go through four statuses, each of which nearly all are seen in, and all of it is told as JSON:
    an import that is final at once costs less.

    Args:
        workshop: Where.

    Returns:
        Bytes for each further import, and of the large fleet's whole process.
    """
    few = _watch_fleet(workshop, FEW)
    many = _watch_fleet(workshop, MANY)
    return [
        Figure("peak memory, each further import", Unit.BYTES, Goal(4096), [(many - few) / (MANY - FEW)]),
        Figure("peak memory, 10 000 imports, the whole process", Unit.BYTES, Goal(_PEAK_BOUND), [many]),
    ]


def _watch_fleet(workshop: Workshop, imports: int) -> int:
    server = workshop.server
    targets = workshop.write_targets("fleet", "preparing", imports)
    try:
        with workshop.running("-m", "watcher", targets, "--output", "json") as running:
            _lead_to_the_end(server, running, imports)
            peak = running.finish(code=0).peak
    finally:
        server.reset()
    # The harness does not parse what is large: its own memory would show in the next process's peak.
    seen = workshop.out.read_bytes().count(b'"expected":') / imports
    if seen < len(LATER_STATUSES):
        raise RuntimeError(f"an import was seen in {seen:.1f} statuses only")
    return _own_peak_excluded(peak)


def _lead_to_the_end(server: Server, running: Running, imports: int) -> None:
    for status in LATER_STATUSES:
        enough = server.requests() + _ROUND * imports
        while server.requests() < enough and not running.has_ended:
            sleep(0.05)
        server.show(status)


def _own_peak_excluded(peak: int) -> int:
    """Refuses a peak that may be the harness's: a process begins with that of its parent."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if peak <= own:
        raise RuntimeError(f"the harness itself takes {own} bytes, and hides what it measures")
    return peak
