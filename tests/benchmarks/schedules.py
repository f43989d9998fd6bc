"""The polling schedule beside those of others, by simulation: `python -m tests.benchmarks.schedules`.

Polling is a trade: requests against the delay between an import's end and the poll that sees it. All
schedules watch the same imports. The first poll comes at an import's start, answers take no time, no request
fails, and no deadline ends the watch.
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
"""Fewer show nothing: a search screens by a twentieth of them."""

SCREENING_STEP: Final = 20
"""A search shows every candidate each 20th import; all of them are for those that may be chosen."""

SCREENING_TOLERANCE: Final = 1.15
"""How far a candidate may miss a bound on those few, where the figures are still noisy."""


@dataclass(frozen=True, slots=True)
class SimulatedImport:
    """What a schedule can find out about one import; all times are seconds from its start.

    Attributes:
        duration: When it ends.
        transitions: When its status changes before that, in order.
    """

    duration: float
    transitions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule for when to ask again.

    Attributes:
        name: What the table calls it.
        waits: Makes the endless waits between polls, in seconds, from a source of jitter.
        restarts: Whether a poll that sees a transition begins the waits anew.
    """

    name: str
    waits: Callable[[Random], Iterator[float]]
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What a schedule cost and how late it was; delays are seconds, relative ones shares of the duration."""

    schedule: str
    mean_requests: float
    mean_delay: float
    p95_delay: float
    mean_relative_delay: float
    p95_relative_delay: float


def draw_imports(count: int, seed: int) -> list[SimulatedImport]:
    """Draws the imports that all schedules watch.

    Args:
        count: How many.
        seed: What the draw starts from.

    Returns:
        Imports of log-uniform duration, the shortest first, with a Poisson number of transitions at uniform
        times.
    """
    random = Random(seed)
    # Stratified: one duration from each of as many equal parts of the range, for the few imports of hours
    # make most of the requests, and their number should not be left to chance.
    shares = ((stratum + random.random()) / count for stratum in range(count))
    return [_draw_import(SHORTEST * (LONGEST / SHORTEST) ** share, random) for share in shares]


def _draw_import(duration: float, random: Random) -> SimulatedImport:
    # The transitions of a Poisson process come at uniform times, and so in order.
    transitions: list[float] = []
    rate = MEAN_TRANSITIONS / duration
    moment = random.expovariate(rate)
    while moment < duration:
        transitions.append(moment)
        moment += random.expovariate(rate)
    return SimulatedImport(duration, tuple(transitions))


def growing_schedule(min_interval: float, max_interval: float, growth: float) -> Schedule:
    """Makes a schedule by the rules of `watcher`.

    Args:
        min_interval: The first interval in seconds.
        max_interval: The longest interval in seconds.
        growth: What each interval is multiplied by to give the next.

    Returns:
        The schedule, made of the product's own functions.
    """

    def waits(random: Random) -> Iterator[float]:
        return (poll_wait(interval, random) for interval in growing(min_interval, max_interval, growth))

    return Schedule(f"{min_interval:g} s to {max_interval:g} s, growth {growth:g}", waits, restarts=True)


def default_schedule() -> Schedule:
    """Makes the schedule that `watcher` follows unless told otherwise.

    Returns:
        The schedule of the default policy.
    """
    policy = Policy()
    ours = growing_schedule(policy.min_interval, policy.max_interval, policy.growth)
    return Schedule(
        f"`watcher`: {ours.name}, ±10 % jitter, anew at each transition", ours.waits, ours.restarts
    )


def fixed_schedule(interval: float, user: str = "") -> Schedule:
    """Makes a schedule that always waits the same time.

    Args:
        interval: Seconds between two polls.
        user: Who polls like that.

    Returns:
        The schedule.
    """
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
"""The default has to beat these in requests and in delay."""

REFERENCE: Final = growing_schedule(1, 30, 1.1)
"""What a search measures its candidates against."""


def watch(watched: SimulatedImport, schedule: Schedule, random: Random) -> tuple[int, float]:
    """Polls one import until its end is seen.

    Args:
        watched: The import.
        schedule: When to poll.
        random: The source of jitter.

    Returns:
        How many requests that took, and how many seconds after the end the last one came.
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
    """Watches imports by a schedule.

    Args:
        schedule: When to poll.
        imports: What to watch.
        seed: What the jitter starts from.

    Returns:
        The schedule's row of the table.
    """
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
    """Judges whether a schedule may be the default.

    Args:
        figures: The schedule's figures.
        rivals: The figures of the schedules to beat.
        tolerance: What the bounds are multiplied by.

    Returns:
        Whether it needs fewer requests and is less late than every rival, and is seldom late for its import.
    """
    return figures.p95_relative_delay < P95_RELATIVE_DELAY_BOUND * tolerance and all(
        figures.mean_requests < rival.mean_requests * tolerance
        and figures.mean_delay < rival.mean_delay * tolerance
        for rival in rivals
    )


def search(imports: Sequence[SimulatedImport], seed: int) -> list[Figures]:
    """Looks for schedules that may be the default.

    Args:
        imports: What to watch.
        seed: What the jitter starts from.

    Returns:
        The acceptable candidates, the ones with the fewest requests first.
    """
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
    """Lays figures out for people.

    Args:
        rows: The figures of each schedule.

    Returns:
        A Markdown table.
    """
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
    "--imports", "count", default=20_000, type=click.IntRange(min=FEWEST_IMPORTS), help="How many to watch."
)
@click.option("--seed", default=1, help="What the imports and the jitter are drawn from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a Markdown table.")
@click.option(
    "--search", "searching", is_flag=True, help="Look for schedules that may be the default instead."
)
def main(*, count: int, seed: int, as_json: bool, searching: bool) -> None:
    """Measure polling schedules on simulated imports, side by side.

    With --search: those that need fewer requests and less delay than the 15 s waiter and than full jitter.
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
