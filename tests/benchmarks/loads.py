"""Loops under load: how many polls a second, and how late each of a thousand is."""

from __future__ import annotations

import json
from statistics import quantiles
from typing import TYPE_CHECKING

import msgspec

from tests.benchmarks.figures import Figure, Goal, Unit
from tests.benchmarks.yardsticks.punctuality import WARM_UP, Told

if TYPE_CHECKING:
    from collections.abc import Sequence

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

LEAST_PACE = 0.8
"""Share of the polls that a paced loop must make, or what it leaves out would not be late."""

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
        told = _run_loop(workshop, "yardsticks.bare_loop", "saturate", SATURATING, seconds)
        bare = msgspec.json.decode(told, type=dict[str, float])
        theirs.append(bare["polls"] / bare["elapsed_s"])
    goal = Goal(0.8, at_least=True)
    return [Figure("polls at saturation, 100 imports", Unit.POLLS_PER_SECOND, goal, ours, theirs)]


def measure_lateness(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures how late polls are at a thousand a second, beside a bare loop of a thousand sleeping tasks.

    Where the machine takes the processor away, the bare loop is as late as ours. So the goal is about the
    polls of the seconds in which it does not, and rounds are added until there are some in as many rounds as
    were asked for. If that does not come about, all seconds are judged.

    Args:
        workshop: Where.
        effort: How often, and for how long.

    Returns:
        The figure of the quiet seconds, where there are any, and that of all. The bare loop shows what the
        machine can do, and is no goal.
    """
    seconds = WARM_UP + PACED_LOADS * effort.load_seconds
    ours: list[Told] = []
    theirs: list[Told] = []
    for _ in range(MOST_ROUNDS * effort.loads):
        ours.append(_run_paced(workshop, "yardsticks.paced_watch", None, seconds))
        theirs.append(_run_paced(workshop, "yardsticks.bare_loop", "pace", seconds))
        if min(_quiet_rounds(ours), _quiet_rounds(theirs)) >= effort.loads:
            break
    return judge_lateness(ours, theirs, effort.loads)


def judge_lateness(ours: Sequence[Told], theirs: Sequence[Told], quiet_rounds: int) -> list[Figure]:
    """Judges the quiet seconds where enough rounds have some, else all seconds.

    Args:
        ours: What the rounds of `watcher`'s loop told.
        theirs: What those of the bare loop told.
        quiet_rounds: How many rounds with a quiet second are enough.

    Returns:
        The figures, with the goal at the one that is judged.
    """
    name, goal = "lateness of a poll, 1000 a second, 99th percentile", Goal(0.005)
    is_quiet = _quiet_rounds(ours) >= quiet_rounds
    all_seconds = Figure(
        f"{name}, all {sum(told.seconds for told in ours)} s",
        Unit.SECONDS,
        None if is_quiet else goal,
        [_p99(told.lateness_s) for told in ours],
        [_p99(told.lateness_s) for told in theirs],
        judged_by_ratio=False,
    )
    if not is_quiet:
        return [all_seconds]
    quiet = Figure(
        f"{name}, the {sum(told.quiet_seconds for told in ours)} s in which the machine was quiet",
        Unit.SECONDS,
        goal,
        [_p99([late for told in ours for late in told.quiet_lateness_s])],
        [_p99([late for told in theirs for late in told.quiet_lateness_s])] if _quiet_rounds(theirs) else [],
        judged_by_ratio=False,
    )
    return [quiet, all_seconds]


def _quiet_rounds(rounds: Sequence[Told]) -> int:
    return sum(told.quiet_seconds > 0 for told in rounds)


def _p99(lateness: Sequence[float]) -> float:
    return quantiles(lateness, n=100)[-1]


def _run_paced(workshop: Workshop, program: str, how: str | None, seconds: float) -> Told:
    told = msgspec.json.decode(_run_loop(workshop, program, how, PACED, seconds), type=Told)
    if len(told.lateness_s) < LEAST_PACE * PACED * told.seconds:
        raise RuntimeError(f"{program} made {len(told.lateness_s)} polls only in {told.seconds} s")
    return told


def _run_loop(workshop: Workshop, program: str, how: str | None, imports: int, seconds: float) -> bytes:
    ways = () if how is None else (how,)
    workshop.run("-m", program, *ways, workshop.server.base_uri, str(imports), str(seconds))
    return workshop.out.read_bytes()
