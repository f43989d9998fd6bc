"""Loops under load: polls per second, and the lateness of a thousand polls per second."""

from __future__ import annotations

import json
from statistics import quantiles
from typing import TYPE_CHECKING

import msgspec

from tests.benchmarks.baselines.punctuality import WARM_UP, Lateness
from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.effort import Effort
    from tests.benchmarks.runner import Runner

SATURATING = 100
"""Imports that are polled as fast as possible."""

PACED = 1000
"""Imports that are polled once a second each."""

PACED_LOADS = 2
"""How many times longer a paced loop runs than another, to include quiet seconds."""

MAX_ROUNDS = 4
"""How many times more rounds a paced loop has at most if the machine is not quiet."""

MIN_PACE = 0.8
"""The share of polls that a paced loop must make, because omitted polls would not count as late."""

TIMEOUT_CODE = 124


def measure_saturation(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure the polls per second of the program against those of a bare aiohttp loop.

    The start does not count. The program polls each import a millisecond after its last answer, and its
    result has the number of polls.
    """
    seconds = effort.load_seconds
    targets = runner.write_targets("saturating", "in_progress", SATURATING)
    pace = ("--min-interval", "1ms", "--max-interval", "1ms", "--timeout", f"{seconds}s")
    ours, theirs = [], []
    for _ in range(effort.loads):
        runner.run("-m", "watcher", targets, *pace, "--output", "json", code=TIMEOUT_CODE)
        result = json.loads(runner.out.read_bytes())
        ours.append(sum(one["polls"] for one in result["imports"]) / result["elapsed_s"])
        output = _run_loop(runner, "baselines.bare_loop", "saturate", SATURATING, seconds)
        bare = msgspec.json.decode(output, type=dict[str, float])
        theirs.append(bare["polls"] / bare["elapsed_s"])
    goal = Goal(0.8, at_least=True)
    return [Figure("polls at saturation, 100 imports", Unit.POLLS_PER_SECOND, goal, ours, theirs)]


def measure_lateness(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure the lateness of a thousand polls per second, next to a bare loop of a thousand tasks.

    If other virtual machines take the processor, the bare loop is late too. Therefore the goal applies to
    quiet seconds, and rounds are added until enough rounds have some. Otherwise all seconds are judged.

    Returns:
        The figure of the quiet seconds, if enough rounds have some, and that of all seconds. The bare loop
        shows the machine's limit and is not a goal.
    """
    seconds = WARM_UP + PACED_LOADS * effort.load_seconds
    ours: list[Lateness] = []
    theirs: list[Lateness] = []
    for _ in range(MAX_ROUNDS * effort.loads):
        ours.append(_run_paced(runner, "baselines.paced_watch", None, seconds))
        theirs.append(_run_paced(runner, "baselines.bare_loop", "pace", seconds))
        if min(_quiet_rounds(ours), _quiet_rounds(theirs)) >= effort.loads:
            break
    return judge_lateness(ours, theirs, effort.loads)


def judge_lateness(ours: Sequence[Lateness], theirs: Sequence[Lateness], quiet_rounds: int) -> list[Figure]:
    """Judge the quiet seconds if enough rounds have some, otherwise all seconds.

    Args:
        ours: The rounds of `watcher`'s loop.
        theirs: The rounds of the bare loop.
        quiet_rounds: The number of rounds with a quiet second that is enough.

    Returns:
        The figures; the judged one has the goal.
    """
    name, goal = "lateness of a poll, 1000 a second, 99th percentile", Goal(0.005)
    is_quiet = _quiet_rounds(ours) >= quiet_rounds
    all_seconds = Figure(
        f"{name}, all {sum(one.seconds for one in ours)} s",
        Unit.SECONDS,
        None if is_quiet else goal,
        [_p99(one.lateness_s) for one in ours],
        [_p99(one.lateness_s) for one in theirs],
        judged_by_ratio=False,
    )
    if not is_quiet:
        return [all_seconds]
    quiet = Figure(
        f"{name}, {sum(one.quiet_seconds for one in ours)} quiet s",
        Unit.SECONDS,
        goal,
        [_p99([late for one in ours for late in one.quiet_lateness_s])],
        [_p99([late for one in theirs for late in one.quiet_lateness_s])] if _quiet_rounds(theirs) else [],
        judged_by_ratio=False,
    )
    return [quiet, all_seconds]


def _quiet_rounds(rounds: Sequence[Lateness]) -> int:
    return sum(one.quiet_seconds > 0 for one in rounds)


def _p99(lateness: Sequence[float]) -> float:
    return quantiles(lateness, n=100)[-1]


def _run_paced(runner: Runner, program: str, mode: str | None, seconds: float) -> Lateness:
    lateness = msgspec.json.decode(_run_loop(runner, program, mode, PACED, seconds), type=Lateness)
    if len(lateness.lateness_s) < MIN_PACE * PACED * lateness.seconds:
        raise RuntimeError(f"{program} made only {len(lateness.lateness_s)} polls in {lateness.seconds} s")
    return lateness


def _run_loop(runner: Runner, program: str, mode: str | None, imports: int, seconds: float) -> bytes:
    modes = () if mode is None else (mode,)
    runner.run("-m", program, *modes, runner.server.base_uri, str(imports), str(seconds))
    return runner.out.read_bytes()
