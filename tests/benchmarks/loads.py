"""Loops under load: how many polls a second, and how late each of a thousand is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit
from tests.benchmarks.yardsticks.punctuality import WARM_UP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.effort import Effort
    from tests.benchmarks.workshop import Workshop

SATURATING = 100
"""Imports that keep as many requests under way as the loop allows."""

PACED = 1000
"""Imports that are asked for once a second each."""

PACED_LOADS = 2
"""How much longer than another loop a paced one runs: it has to meet quiet seconds."""

MOST_ROUNDS = 4
"""How many times as many rounds a paced loop has at most, if the machine is not quiet."""

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
        bare = _run_loop(workshop, "yardsticks.bare_loop", "saturate", SATURATING, seconds)
        theirs.append(bare["polls"] / bare["elapsed_s"])
    goal = Goal(0.8, at_least=True)
    return [Figure("polls at saturation, 100 imports", Unit.POLLS_PER_SECOND, goal, ours, theirs)]


def measure_lateness(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures how late polls are at a thousand a second, beside a bare loop of a thousand sleeping tasks.

    Where the machine takes the processor away, the bare loop is as late as ours. So the goal is about the
    seconds in which it does not, and rounds are added until there are some in as many rounds as were asked
    for. If there are none, all seconds are judged.

    Args:
        workshop: Where.
        effort: How often, and for how long.

    Returns:
        The figure of the quiet seconds, where there are any, and that of all. The bare loop shows what the
        machine can do, and is no goal.
    """
    seconds = WARM_UP + PACED_LOADS * effort.load_seconds
    ours, theirs = _Rounds(), _Rounds()
    for _ in range(MOST_ROUNDS * effort.loads):
        ours.add(_run_loop(workshop, "yardsticks.paced_watch", None, PACED, seconds))
        theirs.add(_run_loop(workshop, "yardsticks.bare_loop", "pace", PACED, seconds))
        if min(len(ours.quiet_p99), len(theirs.quiet_p99)) >= effort.loads:
            break
    name, goal = "lateness of a poll, 1000 a second, 99th percentile", Goal(0.005)
    named_all = f"{name}, all {ours.seconds:.0f} s"
    if not ours.quiet_p99:
        named_loud = f"{named_all}: the machine was never quiet"
        return [Figure(named_loud, Unit.SECONDS, goal, ours.p99, theirs.p99, judged_by_ratio=False)]
    named_quiet = f"{name}, the {ours.quiet_seconds:.0f} s in which the machine was quiet"
    return [
        Figure(named_quiet, Unit.SECONDS, goal, ours.quiet_p99, theirs.quiet_p99, judged_by_ratio=False),
        Figure(named_all, Unit.SECONDS, None, ours.p99, theirs.p99, judged_by_ratio=False),
    ]


@dataclass(slots=True)
class _Rounds:
    """What the rounds of one paced loop told."""

    p99: list[float] = field(default_factory=list)
    quiet_p99: list[float] = field(default_factory=list)
    seconds: float = 0
    quiet_seconds: float = 0

    def add(self, told: Mapping[str, float]) -> None:
        self.p99.append(told["p99_s"])
        self.seconds += told["seconds"]
        self.quiet_seconds += told["quiet_seconds"]
        if told["quiet_seconds"]:
            self.quiet_p99.append(told["quiet_p99_s"])


def _run_loop(
    workshop: Workshop, program: str, how: str | None, imports: int, seconds: float
) -> dict[str, float]:
    ways = () if how is None else (how,)
    workshop.run("-m", program, *ways, workshop.server.base_uri, str(imports), str(seconds))
    told: dict[str, float] = json.loads(workshop.out.read_bytes())
    return told
