"""Compare polling schedules by simulation: `python -m tests.benchmarks.schedules`.

Polling trades requests for delay, which is the time from an import's end to the poll that sees it. All
schedules watch the same imports. The first poll is at an import's start, responses take no time, no request
fails, and there is no deadline.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import product, repeat
from random import Random
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, Final

import click

from watcher.core.policy import Policy
from watcher.core.schedule import growing, poll_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SHORTEST: Final = 5.0
LONGEST: Final = 6 * 3600.0
MEAN_TRANSITIONS: Final = 2.0

P95_RELATIVE_DELAY_BOUND: Final = 0.12

MIN_INTERVALS: Final = (0.5, 1.0, 1.5, 2.0, 3.0)
MAX_INTERVALS: Final = (15.0, 20.0, 25.0, 30.0, 40.0, 45.0, 60.0)
GROWTHS: Final = (1.05, 1.08, 1.1, 1.12, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6)

FEWEST_IMPORTS: Final = 100
"""With fewer, a search would screen candidates on less than five imports."""

SCREENING_STEP: Final = 20
"""A search screens all candidates on every 20th import, and measures the promising ones on all."""

SCREENING_TOLERANCE: Final = 1.15
"""The factor by which a candidate may miss a bound in the screening, because its figures are noisy."""


@dataclass(frozen=True, slots=True)
class SimulatedImport:
    """One import, in seconds from its start.

    Attributes:
        duration: Its end.
        transitions: The status changes before the end, in order.
    """

    duration: float
    transitions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A polling schedule.

    Attributes:
        name: Its name in the table.
        waits: Returns the endless waits between polls, in seconds, from a source of jitter.
        restarts: Whether the waits start over after a transition.
    """

    name: str
    waits: Callable[[Random], Iterator[float]]
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost and the delay of a schedule; delays are seconds, relative ones are shares of the duration."""

    schedule: str
    mean_requests: float
    mean_delay: float
    p95_delay: float
    mean_relative_delay: float
    p95_relative_delay: float


def draw_imports(count: int, seed: int) -> list[SimulatedImport]:
    """Draw the imports that all schedules watch.

    Returns:
        Imports of log-uniform duration, the shortest first, with a Poisson number of transitions at uniform
        times.
    """
    random = Random(seed)
    # Stratified sampling: the few imports of hours cause most of the requests, so their number must not be
    # left to chance.
    shares = ((stratum + random.random()) / count for stratum in range(count))
    return [_draw_import(SHORTEST * (LONGEST / SHORTEST) ** share, random) for share in shares]


def _draw_import(duration: float, random: Random) -> SimulatedImport:
    # A Poisson process: exponential gaps give uniform times, already in order.
    transitions: list[float] = []
    rate = MEAN_TRANSITIONS / duration
    moment = random.expovariate(rate)
    while moment < duration:
        transitions.append(moment)
        moment += random.expovariate(rate)
    return SimulatedImport(duration, tuple(transitions))


def growing_schedule(min_interval: float, max_interval: float, growth: float) -> Schedule:
    """Return a schedule by the rules of `watcher`, from its own functions.

    Args:
        min_interval: The first interval in seconds.
        max_interval: The longest interval in seconds.
        growth: The factor from one interval to the next.
    """

    def waits(random: Random) -> Iterator[float]:
        return (poll_wait(interval, random) for interval in growing(min_interval, max_interval, growth))

    return Schedule(f"{min_interval:g} s to {max_interval:g} s, growth {growth:g}", waits, restarts=True)


def default_schedule() -> Schedule:
    """Return the default schedule of `watcher`."""
    policy = Policy()
    ours = growing_schedule(policy.min_interval, policy.max_interval, policy.growth)
    return Schedule(
        f"`watcher`: {ours.name}, ±10 % jitter, restarts at each transition", ours.waits, ours.restarts
    )


def fixed_schedule(interval: float, user: str = "") -> Schedule:
    """Return a schedule with a fixed interval in seconds; `user` is a program that uses it."""
    return Schedule(f"fixed {interval:g} s" + (f" ({user})" if user else ""), lambda _: repeat(interval))


def _full_jitter(random: Random) -> Iterator[float]:
    return (random.uniform(0, ceiling) for ceiling in growing(1, 30, 2))


AWS_WAITER: Final = fixed_schedule(15, "the most common AWS waiter")
FULL_JITTER: Final = Schedule("1 s to 30 s, growth 2, full jitter", _full_jitter)
OTHERS: Final = (
    fixed_schedule(3, "`gh run watch`"),
    AWS_WAITER,
    fixed_schedule(30),
    Schedule("1 s to 30 s, growth 2", lambda _: growing(1, 30, 2)),
    FULL_JITTER,
)
RIVALS: Final = (AWS_WAITER, FULL_JITTER)
"""The default schedule must have fewer requests and less delay than these."""

REFERENCE: Final = growing_schedule(1, 30, 1.1)
"""A search shows this schedule for comparison."""


def watch(watched: SimulatedImport, schedule: Schedule, random: Random) -> tuple[int, float]:
    """Poll one import until a poll sees its end.

    Args:
        watched: The import.
        schedule: The schedule.
        random: The source of jitter.

    Returns:
        The number of requests, and the delay in seconds.
    """
    now, requests, waits = 0.0, 1, schedule.waits(random)
    for change in (*watched.transitions, watched.duration):
        while now < change:
            now += next(waits)
            requests += 1
        if schedule.restarts:
            waits = schedule.waits(random)
    return requests, now - watched.duration


def measure(schedule: Schedule, imports: Iterable[SimulatedImport], seed: int) -> Figures:
    """Watch imports by a schedule, and return its row of the table."""
    random = Random(f"jitter {seed}")
    requests: list[int] = []
    delays: list[float] = []
    relative_delays: list[float] = []
    for watched in imports:
        count, delay = watch(watched, schedule, random)
        requests.append(count)
        delays.append(delay)
        relative_delays.append(delay / watched.duration)
    return Figures(
        schedule=schedule.name,
        mean_requests=fmean(requests),
        mean_delay=fmean(delays),
        p95_delay=quantiles(delays, n=20)[-1],
        mean_relative_delay=fmean(relative_delays),
        p95_relative_delay=quantiles(relative_delays, n=20)[-1],
    )


def is_acceptable(figures: Figures, rivals: Iterable[Figures], tolerance: float = 1.0) -> bool:
    """Return whether a schedule may be the default.

    Args:
        figures: The schedule's figures.
        rivals: The figures of the schedules to beat.
        tolerance: A factor for the bounds.

    Returns:
        Whether it has fewer requests and less delay than every rival, and a bounded relative delay.
    """
    return figures.p95_relative_delay < P95_RELATIVE_DELAY_BOUND * tolerance and all(
        figures.mean_requests < rival.mean_requests * tolerance
        and figures.mean_delay < rival.mean_delay * tolerance
        for rival in rivals
    )


def search(imports: Sequence[SimulatedImport], seed: int) -> list[Figures]:
    """Return the candidates that may be the default, the ones with the fewest requests first."""
    candidates = [growing_schedule(*shape) for shape in product(MIN_INTERVALS, MAX_INTERVALS, GROWTHS)]
    few = imports[::SCREENING_STEP]
    rivals = [measure(rival, few, seed) for rival in RIVALS]
    promising = [
        candidate
        for candidate in candidates
        if is_acceptable(measure(candidate, few, seed), rivals, SCREENING_TOLERANCE)
    ]
    rivals = [measure(rival, imports, seed) for rival in RIVALS]
    judged = [measure(candidate, imports, seed) for candidate in promising]
    acceptable = [figures for figures in judged if is_acceptable(figures, rivals)]
    return sorted(acceptable, key=lambda figures: figures.mean_requests)


def as_markdown(rows: Iterable[Figures]) -> str:
    """Return a Markdown table of figures."""
    lines = [
        "| schedule | mean requests | mean delay | p95 delay | mean relative delay | p95 relative delay |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.schedule} | {row.mean_requests:.1f} | {row.mean_delay:.2f} s | {row.p95_delay:.1f} s "
        f"| {row.mean_relative_delay:.1%} | {row.p95_relative_delay:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


@click.command(context_settings={"show_default": True})
@click.option(
    "--imports", "count", default=20_000, type=click.IntRange(min=FEWEST_IMPORTS), help="Number of imports."
)
@click.option("--seed", default=1, help="Seed of the imports and the jitter.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a Markdown table.")
@click.option("--search", "searching", is_flag=True, help="Search for schedules that may be the default.")
def main(*, count: int, seed: int, as_json: bool, searching: bool) -> None:
    """Compare polling schedules on simulated imports.

    With --search, list those with fewer requests and less delay than the 15 s waiter and full jitter.
    """
    imports = draw_imports(count, seed)
    if searching:
        rows = [*(measure(known, imports, seed) for known in (REFERENCE, *RIVALS)), *search(imports, seed)]
    else:
        rows = [measure(schedule, imports, seed) for schedule in (default_schedule(), *OTHERS)]
    if as_json:
        report = {"imports": count, "seed": seed, "schedules": [asdict(row) for row in rows]}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        click.echo(as_markdown(rows))


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.schedules")
