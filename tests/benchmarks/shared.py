"""Compare pollers that share one rate limit, by simulation: `python -m tests.benchmarks.shared`.

Each process watches one import of one to five minutes with its own `Fleet`; a new process follows when it has
seen the end. All share one limit in fixed windows of ten seconds. Time is virtual, so a seed always gives the
same figures.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from itertools import count, product
from random import Random
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, Final

import click

from watcher.core.answers.replies import Answer
from watcher.core.fleet.fleet import Fleet
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import SavedState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from watcher.core.fleet.agenda import Poll

EPOCH: Final = 1_767_600_003.4
WINDOW: Final = 10.0
DURATION: Final = 900.0
LATEST_START: Final = 30.0
SHORTEST: Final = 60.0
LONGEST: Final = 300.0
REFUSED: Final = 429
OURS: Final = "`watcher`"
LATENCY: Final = (0.03, 0.3)
"""Shortest and longest seconds of a request and its response together."""

MOST_REFUSED: Final = 0.2
LONGEST_MEAN_DELAY: Final = 8.0
MOST_UNEVEN: Final = 2.0
JUDGED: Final = (5, 6)
"""The goals, for a limit of five and six processes: share of refused requests, mean delay in seconds, and the
longest mean delay of one process as a multiple of the mean."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the processes share; ``on_429`` is whether a 429 has the headers of the limit as well."""

    limit: int
    processes: int
    on_429: bool

    @property
    def shape(self) -> tuple[int, int]:
        """The limit and the number of processes."""
        return self.limit, self.processes


@dataclass(frozen=True, slots=True)
class Figures:
    """What a poller reached; delays are from an import's end to the response that shows it, in seconds."""

    poller: str
    setting: Setting
    requests: float
    refused: float
    mean_delay: float
    p95_delay: float
    unevenness: float

    @property
    def meets_goals(self) -> bool:
        """Whether it meets the goals."""
        return (
            self.refused <= MOST_REFUSED
            and self.mean_delay <= LONGEST_MEAN_DELAY
            and self.unevenness <= MOST_UNEVEN
        )


class Server:
    """A route limit in fixed windows; a rejected request is not counted."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._window = -1
        self._used = 0

    def serve(self, status: str, now: float) -> Answer:
        """Return the response to a request."""
        unix = EPOCH + now
        window = int(unix // WINDOW)
        if window != self._window:
            self._window, self._used = window, 0
        is_refused = self._used >= self._setting.limit
        self._used += not is_refused
        headers = {"date": formatdate(unix, usegmt=True)}
        if not is_refused or self._setting.on_429:
            headers |= {
                "x-ratelimit-route-limit": str(self._setting.limit),
                "x-ratelimit-route-remaining": str(self._setting.limit - self._used),
                "x-ratelimit-reset": str(int((window + 1) * WINDOW * 1000)),
            }
        if is_refused:
            return Answer(429, headers, b'{"code":"rate_limited","message":"You have exceeded the limit."}')
        body = {"id": REF.import_id, "segmentKey": REF.segment, "status": status, "mode": "replace"}
        return Answer(200, headers, json.dumps(body).encode())


REF: Final = ImportRef("default", "production", "big-spenders", "1234a567")


class Watcher:
    """The product's own rules."""

    def __init__(self, now: float, random: Random) -> None:
        terms = Terms(Policy(), lambda outcome: outcome is Outcome.COMPLETE)
        self._fleet = Fleet(random)
        self._asked: list[Poll] = []
        self._sent_at = now
        list(self._fleet.join(terms).begin([REF], SavedState(), (), Instant(now, EPOCH + now)))

    def next_request(self, now: float) -> float:
        """Return when to send the next request."""
        return self._fleet.next_wakeup(now, can_send=True)

    def start(self, now: float) -> bool:
        """Return whether the fleet sends a request."""
        self._asked, _ = self._fleet.take_due(Instant(now, EPOCH + now), 1)
        self._sent_at = now
        return bool(self._asked)

    def receive(self, answer: Answer, now: float) -> None:
        """Pass a response to the fleet."""
        list(self._fleet.receive(self._asked[0], answer, self._sent_at, Instant(now, EPOCH + now)))


class Loop:
    """A loop that sleeps between responses and requests, and retries a 429 like anything else."""

    def __init__(self, now: float, waits: Callable[[], float]) -> None:
        self._waits = waits
        self._due = now

    def next_request(self, _now: float) -> float:
        """Return when to send the next request."""
        return self._due

    def start(self, now: float) -> bool:
        """Return whether to send a request."""
        return self._due <= now

    def receive(self, _answer: Answer, now: float) -> None:
        """Sleep."""
        self._due = now + self._waits()


def full_jitter(now: float, random: Random) -> Loop:
    """Return a loop with exponential backoff from 1 s to 30 s and full jitter."""
    ceilings = (min(30.0, 2.0**n) for n in count())
    return Loop(now, lambda: random.uniform(0, next(ceilings)))


POLLERS: Final[Mapping[str, Callable[[float, Random], Watcher | Loop]]] = {
    OURS: Watcher,
    "fixed 3 s": lambda now, _: Loop(now, lambda: 3.0),
    "fixed 15 s": lambda now, _: Loop(now, lambda: 15.0),
    "1 s to 30 s, growth 2, full jitter": full_jitter,
}


@dataclass(slots=True)
class Process:
    """One process: its present import and the poller, and how late all its responses were.

    Attributes:
        ends: When the import ends.
        changes: The earlier changes of its status, in order.
        seen_at: When the last response with a status arrived.
        watched: Seconds that were watched so far.
        delay: What an import's mean delay would be, times ``watched``, if it ended at any time alike.
    """

    poller: Watcher | Loop
    ends: float
    changes: list[float]
    seen_at: float
    watched: float = 0.0
    delay: float = 0.0

    def status(self, now: float) -> str:
        """Return the import's status."""
        if now >= self.ends:
            return "complete"
        return ("preparing", "pending_approval", "importing")[sum(now >= change for change in self.changes)]

    def see(self, now: float) -> None:
        """Count a response with a status."""
        gap = now - self.seen_at
        self.watched += gap
        self.delay += gap * gap / 2
        self.seen_at = now


class Simulation:
    """A quarter of an hour of processes that share a limit."""

    def __init__(self, poller: str, setting: Setting, seed: int) -> None:
        self._poller = POLLERS[poller]
        self._random = Random(f"{seed} {setting.limit} {setting.processes}")
        self._server = Server(setting)
        self._order = count()
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self.requests = 0
        self.refused = 0
        self.delays: list[float] = []
        self.processes = [
            self._begin(self._random.uniform(0, LATEST_START)) for _ in range(setting.processes)
        ]

    def run(self) -> None:
        """Let the time pass."""
        while self._queue:
            now, _, act = heapq.heappop(self._queue)
            act(now)

    @property
    def unevenness(self) -> float:
        """The longest mean delay of a process as a multiple of the mean."""
        means = [process.delay / process.watched for process in self.processes]
        return max(means) / fmean(means)

    def _at(self, moment: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (moment, next(self._order), act))

    def _begin(self, at: float) -> Process:
        process = Process(*self._draw(at), seen_at=at)
        self._at(at, partial(self._poll, process))
        return process

    def _draw(self, at: float) -> tuple[Watcher | Loop, float, list[float]]:
        life = self._random.uniform(SHORTEST, LONGEST)
        changes = sorted(at + self._random.uniform(0, life) for _ in range(2))
        return self._poller(at, Random(self._random.random())), at + life, changes

    def _travel(self) -> float:
        return self._random.uniform(*LATENCY) / 2

    def _poll(self, process: Process, now: float) -> None:
        if process.poller.next_request(now) <= now and process.poller.start(now):
            self._at(now + self._travel(), partial(self._serve, process))
        else:
            self._at(process.poller.next_request(now), partial(self._poll, process))

    def _serve(self, process: Process, now: float) -> None:
        answer = self._server.serve(process.status(now), now)
        self._at(now + self._travel(), partial(self._receive, process, answer))

    def _receive(self, process: Process, answer: Answer, now: float) -> None:
        self.requests += 1
        process.poller.receive(answer, now)
        if answer.status == REFUSED:
            self.refused += 1
        else:
            process.see(now)
        if b'"complete"' not in answer.body:
            self._at(max(now, process.poller.next_request(now)), partial(self._poll, process))
            return
        self.delays.append(now - process.ends)
        if now < DURATION:
            process.poller, process.ends, process.changes = self._draw(now)
            self._at(now, partial(self._poll, process))


def measure(poller: str, setting: Setting, seeds: int) -> Figures:
    """Return a poller's row of the table."""
    runs = [Simulation(poller, setting, seed) for seed in range(seeds)]
    for run in runs:
        run.run()
    delays = [delay for run in runs for delay in run.delays]
    requests = sum(run.requests for run in runs)
    return Figures(
        poller=poller,
        setting=setting,
        requests=requests / len(delays),
        refused=sum(run.refused for run in runs) / requests,
        mean_delay=fmean(delays),
        p95_delay=quantiles(delays, n=20)[-1],
        unevenness=max(run.unevenness for run in runs),
    )


def as_markdown(rows: Iterable[Figures]) -> str:
    """Return a Markdown table."""
    lines = [
        "| limit | processes | headers | poller | requests | refused | mean delay | p95 delay | uneven |",
        "| --: | --: | :-- | :-- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.setting.limit} | {row.setting.processes} "
        f"| {'always' if row.setting.on_429 else 'not on 429'} | {row.poller} | {row.requests:.1f} "
        f"| {row.refused:.1%} | {row.mean_delay:.2f} s | {row.p95_delay:.1f} s | {row.unevenness:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


@click.command(context_settings={"show_default": True})
@click.option("--seeds", default=30, type=click.IntRange(min=1), help="Number of simulations of each row.")
@click.option("--all", "everything", is_flag=True, help="Add other limits and numbers.")
def main(*, seeds: int, everything: bool) -> None:
    """Compare pollers under one rate limit, and exit with 1 if `watcher` misses a goal."""
    shapes = product((5, 10, 40), (1, 2, 6, 12)) if everything else [JUDGED]
    settings = [Setting(*shape, on_429) for shape in shapes for on_429 in (True, False)]
    rows = [measure(poller, setting, seeds) for setting in settings for poller in POLLERS]
    click.echo(as_markdown(rows))
    judged = [row for row in rows if row.poller == OURS and row.setting.shape == JUDGED]
    if not all(row.meets_goals for row in judged):
        raise SystemExit(1)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.shared")
