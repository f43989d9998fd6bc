"""Loops under load: how many polls a second, and how late each of a thousand is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.workshop import Workshop

SATURATING = 100
"""Imports that keep as many requests under way as the loop allows."""

PACED = 1000
"""Imports that are asked for once a second each."""

WARM_UP = 2.0
"""Seconds at the beginning of a paced loop that it does not count: connections are opened there."""

TIMEOUT_CODE = 124


def measure_saturation(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures polls a second of the whole program against a bare aiohttp loop.

    Starting up does not count. The program polls each import anew a millisecond after an answer, and tells
    its polls in the result.

    Args:
        workshop: Where.
        effort: How often, and for how long.

    Returns:
        One figure.
    """
    seconds = effort.load_seconds
    targets = workshop.write_targets("saturating", "in_progress", SATURATING)
    pace = ("--min-interval", "1ms", "--max-interval", "1ms", "--timeout", f"{seconds}s")
    ours, theirs = [], []
    for _ in range(effort.loads):
        workshop.run("-m", "watcher", targets, *pace, "--output", "json", code=TIMEOUT_CODE)
        result = json.loads(workshop.out.read_bytes())
        ours.append(sum(one["polls"] for one in result["imports"]) / result["elapsed_s"])
        bare = _run_loop(workshop, "bare_loop", "saturate", SATURATING, seconds)
        theirs.append(bare["polls"] / bare["elapsed_s"])
    goal = Goal(0.8, at_least=True)
    return [Figure("polls at saturation, 100 imports", Unit.POLLS_PER_SECOND, goal, ours, theirs)]


def measure_lateness(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures how late polls are at a thousand a second, beside a bare loop of a thousand sleeping tasks.

    A pause of the machine makes a whole round late, the bare loop's as ours. So there are many short rounds,
    of which the median counts.

    Args:
        workshop: Where.
        effort: How often, and for how long.

    Returns:
        One figure; the bare loop shows what the machine can do, and is no goal.
    """
    seconds = WARM_UP + effort.load_seconds
    ours, theirs = [], []
    for _ in range(2 * effort.loads):
        ours.append(_run_loop(workshop, "paced_watch", None, PACED, seconds)["p99_s"])
        theirs.append(_run_loop(workshop, "bare_loop", "pace", PACED, seconds)["p99_s"])
    name = "lateness of a poll, 1000 a second, 99th percentile"
    return [Figure(name, Unit.SECONDS, Goal(0.005), ours, theirs, judged_by_ratio=False)]


def _run_loop(
    workshop: Workshop, program: str, how: str | None, imports: int, seconds: float
) -> dict[str, float]:
    ways = () if how is None else (how,)
    workshop.run("-m", program, *ways, workshop.server.base_uri, str(imports), str(seconds))
    told: dict[str, float] = json.loads(workshop.out.read_bytes())
    return told
