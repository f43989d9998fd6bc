"""Compare pollers that share one rate limit, by simulation: `python -m tests.benchmarks.shared`.

Every process watches one import at a time, from one to five minutes, with a `Fleet` of its own; when the import
has ended, the process watches the next one. All share one limit in fixed windows of ten seconds. Time is
virtual, so a seed always gives the same figures.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from itertools import count, pairwise, product
from multiprocessing import Pool
from random import Random
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, Final, Protocol

import click

from watcher.core.answers.replies import Answer
from watcher.core.fleet.fleet import Fleet
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import SavedState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from watcher.core.fleet.agenda import ScheduledImport

EPOCH: Final = 1_767_600_003.4
WINDOW: Final = 10.0
DURATION: Final = 900.0
SHORTEST, LONGEST = 60.0, 300.0
LATENCY: Final = (0.03, 0.3)
"""Shortest and longest seconds of a request and its response together."""

MOST_REFUSED: Final = 0.2
LONGEST_MEAN_DELAY: Final = 8.0
MOST_UNEVEN: Final = 2.0
"""The goals for six processes that share five requests: share of refused requests, mean delay in seconds, and
the longest mean delay of one process as a multiple of the mean."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the processes share; ``told_on_429`` is whether a 429 has the headers of the limit as well."""

    limit: int
    processes: int
    told_on_429: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What a poller reached; delays are from an import's end to the response that shows it, in seconds."""

    poller: str
    setting: Setting
    requests: float
    refused: float
    mean_delay: float
    p95_delay: float
    uneven: float

    @property
    def met(self) -> bool:
        """Whether it meets the goals."""
        return (
            self.refused <= MOST_REFUSED
            and self.mean_delay <= LONGEST_MEAN_DELAY
            and self.uneven <= MOST_UNEVEN
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
        if not is_refused or self._setting.told_on_429:
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


class Poller(Protocol):
    """Decide when one import is polled."""

    def next_request(self, now: float) -> float:
        """Return when to send the next request; up to ``now`` means at once."""
        ...

    def start(self, now: float) -> None:
        """Send a request."""
        ...

    def receive(self, answer: Answer, now: float) -> None:
        """Process its response."""
        ...


class Watcher:
    """The product's own rules."""

    def __init__(self, now: float, random: Random) -> None:
        terms = Terms(Policy(), lambda outcome: outcome is Outcome.COMPLETE)
        self._fleet = Fleet([REF], terms, random, SavedState())
        self._asked: list[ScheduledImport] = []
        list(self._fleet.begin(Instant(now, EPOCH + now)))

    def next_request(self, now: float) -> float:
        """Return when to send the next request."""
        return self._fleet.next_wakeup(now, can_send=True)

    def start(self, now: float) -> None:
        """Send a request if the fleet has one."""
        self._asked, _ = self._fleet.take_due(Instant(now, EPOCH + now), 1)
        for scheduled in self._asked:
            scheduled.asked_at = now

    @property
    def sent(self) -> bool:
        """Whether the last start sent a request."""
        return bool(self._asked)

    def receive(self, answer: Answer, now: float) -> None:
        """Pass a response to the fleet."""
        list(self._fleet.receive(self._asked[0], answer, Instant(now, EPOCH + now)))


class Loop:
    """A loop that sleeps between responses and requests, and retries a 429 like anything else."""

    sent = True

    def __init__(self, now: float, waits: Callable[[], float]) -> None:
        self._waits = waits
        self._due = now

    def next_request(self, now: float) -> float:
        """Return when to send the next request."""
        return self._due

    def start(self, now: float) -> None:
        """Send a request."""

    def receive(self, answer: Answer, now: float) -> None:
        """Sleep."""
        self._due = now + self._waits()


def full_jitter(now: float, random: Random) -> Loop:
    """Return a loop with exponential backoff from 1 s to 30 s and full jitter."""
    ceilings = (min(30.0, 2.0**n) for n in count())
    return Loop(now, lambda: random.uniform(0, next(ceilings)))


POLLERS: Final[dict[str, Callable[[float, Random], Watcher | Loop]]] = {
    "`watcher`": Watcher,
    "fixed 3 s": lambda now, _: Loop(now, lambda: 3.0),
    "fixed 15 s": lambda now, _: Loop(now, lambda: 15.0),
    "1 s to 30 s, growth 2, full jitter": full_jitter,
}


@dataclass(slots=True)
class Process:
    """One process, its present import, and the delays of its earlier ones."""

    poller: Watcher | Loop
    began: float
    ends: float
    changes: list[float]
    served: list[float] = field(default_factory=list)
    staleness: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What happened in one simulation."""

    requests: int = 0
    refused: int = 0
    delays: list[float] = field(default_factory=list)
    uneven: float = 0.0


def simulate(poller: str, setting: Setting, seed: int) -> Run:
    """Let processes share a limit for a quarter of an hour."""
    random = Random(f"{seed} {setting.limit} {setting.processes}")
    run, server, order = Run(), Server(setting), count()
    queue: list[tuple[float, int, int, Answer | str | None]] = []
    processes: list[Process] = []

    def begin(now: float) -> Process:
        life = random.uniform(SHORTEST, LONGEST)
        changes = sorted(now + random.uniform(0, life) for _ in range(2))
        return Process(POLLERS[poller](now, Random(random.random())), now, now + life, changes, [now])

    def push(at: float, number: int, what: Answer | str | None) -> None:
        heapq.heappush(queue, (at, next(order), number, what))

    for number in range(setting.processes):
        at = random.uniform(0, 30)
        processes.append(begin(at))
        push(at, number, None)
    while queue:
        now, _, number, what = heapq.heappop(queue)
        process = processes[number]
        if what is None:
            if process.poller.next_request(now) <= now:
                process.poller.start(now)
                if process.poller.sent:
                    push(now + random.uniform(*LATENCY) / 2, number, "arrives")
                    continue
            push(max(now, process.poller.next_request(now)), number, None)
        elif isinstance(what, str):
            statuses = ("preparing", "pending_approval", "importing")
            status = "complete" if now >= process.ends else statuses[sum(now >= c for c in process.changes)]
            push(now + random.uniform(*LATENCY) / 2, number, server.serve(status, now))
        else:
            run.requests += 1
            run.refused += what.status == 429
            process.poller.receive(what, now)
            if what.status == 200:
                process.served.append(now)
            if b'"complete"' in what.body:
                run.delays.append(now - process.ends)
                gaps = [b - a for a, b in pairwise(process.served)]
                process.staleness.append((sum(g * g / 2 for g in gaps), sum(gaps)))
                after = begin(now + random.uniform(0, 5))
                after.staleness = process.staleness
                if after.began > DURATION:
                    continue
                processes[number] = process = after
                push(process.began, number, None)
            else:
                push(max(now, process.poller.next_request(now)), number, None)
    means = [sum(a for a, _ in p.staleness) / sum(b for _, b in p.staleness) for p in processes]
    run.uneven = max(means) / fmean(means)
    return run


def measure(poller: str, setting: Setting, seeds: int) -> Figures:
    """Return a poller's row of the table."""
    runs = [simulate(poller, setting, seed) for seed in range(seeds)]
    delays = [delay for run in runs for delay in run.delays]
    requests = sum(run.requests for run in runs)
    return Figures(
        poller,
        setting,
        requests / len(delays),
        sum(run.refused for run in runs) / requests,
        fmean(delays),
        quantiles(delays, n=20)[-1],
        max(run.uneven for run in runs),
    )


def as_markdown(rows: Iterable[Figures]) -> str:
    """Return a Markdown table."""
    lines = ["| limit | processes | 429 with headers | poller | requests | refused | mean | p95 | uneven |"]
    lines += [
        f"| {row.setting.limit} | {row.setting.processes} | {row.setting.told_on_429} | {row.poller} | {row.requests:.1f}"
        f" | {row.refused:.1%} | {row.mean_delay:.2f} s | {row.p95_delay:.1f} s | {row.uneven:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


@click.command()
@click.option("--seeds", default=30)
@click.option("--only", multiple=True)
def main(*, seeds: int, only: tuple[str, ...]) -> None:
    settings = [Setting(*s) for s in product((5, 10, 40), (1, 2, 6, 12), (True, False))]
    names = [n for n in POLLERS if not only or any(o in n for o in only)]
    jobs = [(name, s, seeds) for s in settings for name in names]
    with Pool(2) as pool:
        print(as_markdown(pool.starmap(measure, jobs)))


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.shared")
