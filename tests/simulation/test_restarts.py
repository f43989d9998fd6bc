"""A wait that is killed at any time and resumed, while the wall clock is stepped."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop, dice
from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.events import Changed, Ended
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import Stamp
from watcher.loop import Watch
from watcher.state.disk import StateFile
from watcher.state.document import decode
from watcher.state.keeper import Keeper

if TYPE_CHECKING:
    from random import Random

    from watcher.core.events import Event

EPOCH = 1_700_000_000.0
BASE = "https://app.launchdarkly.com"
STATUSES = ("preparing", "pending_approval", "ready", "in_progress", "complete")
MOST_RUNS = 3000


class _KilledError(Exception):
    """The process is killed at this instant."""


class _Disk(StateFile):
    """A file in memory; a kill may come before or after each write."""

    def __init__(self, world: _World) -> None:
        super().__init__(Path("state"), -1)
        self._world = world

    def read(self) -> bytes | None:
        return self._world.content

    def write(self, content: bytes) -> None:
        self._world.pass_instant()
        self._world.content = content
        self._world.kept_until = self._world.named_until
        if self._world.began is None:
            self._world.began = self._world.at
        self._world.pass_instant()

    def set_aside(self) -> Path:
        raise AssertionError("our own file was rejected")


@dataclass(slots=True)
class _World:
    """Everything that outlives the runs: LaunchDarkly, the machine, and the reader of the output.

    Attributes:
        chance: The source of randomness.
        once: Whether each run is a single poll.
        at: The true time in seconds.
        skew: How far the wall clock is ahead, in seconds.
        content: The content of the state file.
        instants: How many instants the process lives; None is no limit.
        named_until: The latest true time that the API named, as known to this process.
        kept_until: The same as known to the state file.
        asked: True times of all requests.
        told: The transitions that were printed.
        ends: The ends that were printed.
    """

    chance: Random
    once: bool
    at: float = 0.0
    skew: float = 0.0
    content: bytes | None = None
    instants: int | None = None
    named_until: float = 0.0
    kept_until: float = 0.0
    began: float | None = None
    asked: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    def pass_instant(self) -> None:
        """Let an instant pass, after which the process may be killed."""
        if self.instants is not None:
            self.instants -= 1
            if self.instants < 0:
                raise _KilledError

    def status(self) -> str:
        """The import's present status."""
        return STATUSES[sum(self.at >= moment for moment in self.changes)]

    def stamp(self) -> Stamp:
        """The machine's clocks."""
        return Stamp(EPOCH + self.at + self.skew, "boot", self.at)


def a_world(seed: int) -> _World:
    """Return a world with one import."""
    chance = dice(seed, 9)
    world = _World(chance, once=chance.random() < 0.4)
    moment = 0.0
    for _ in range(len(STATUSES) - 1):
        moment += chance.choice((0.0, chance.uniform(1, 60)))
        world.changes.append(moment)
    return world


def run(world: _World, refs: list[ImportRef], policy: Policy) -> None:
    """Run one process until it ends or is killed."""
    started, world.named_until = world.at, world.kept_until

    def clock() -> Instant:
        now = asyncio.get_running_loop().time()
        world.at = started + now
        return Instant(now, EPOCH + world.at + world.skew)

    async def probe(ref: ImportRef) -> Answer | Fault:
        clock()
        world.pass_instant()
        assert world.at >= world.named_until - 1e-5, "asked before a moment that the API named"
        world.asked.append(world.at)
        await asyncio.sleep(world.chance.uniform(0, 0.5))
        clock()
        if world.chance.random() < 0.1:
            world.skew += world.chance.uniform(-5000, 5000)
        if world.chance.random() < 0.1:
            return Fault(FaultKind.NETWORK, "no connection")
        if world.chance.random() < 0.15:
            wait = world.chance.randrange(1, 40)
            world.named_until = max(world.named_until, world.at + wait)
            return Answer(429, {"retry-after": str(wait)}, b"{}")
        body = {"id": ref.import_id, "segmentKey": ref.segment, "status": world.status()}
        return Answer(200, {}, json.dumps(body).encode())

    async def follow() -> None:
        keeper = Keeper(_Disk(world), BASE, refs, _never, world.stamp)
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE)
        watch = Watch(refs, terms, probe, world.chance, clock, past=keeper.past, keep=keeper.keep)
        ends: list[Ended] = []
        async with aclosing(watch.events()) as events:
            async for event in events:
                clock()
                world.pass_instant()
                _read(world, event)
                if isinstance(event, Ended):
                    ends.append(event)
        keeper.finish(ends)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner, suppress(_KilledError):
        runner.run(follow())


def _read(world: _World, event: Event) -> None:
    if isinstance(event, Changed):
        world.told.append(str(event.transition.to))
    elif isinstance(event, Ended):
        world.ends.append(event)


def _kept_beginning(world: _World) -> float:
    """Return when the wait began by the file, in true time."""
    assert world.content is not None
    (entry,) = decode(world.content).imports
    kept = entry.kept.stamp()
    return entry.began.timestamp() - kept.unix + kept.uptime


def _never(complaint: str) -> None:
    raise AssertionError(complaint)


@pytest.mark.parametrize("first", range(0, 160, 40))
def test_no_kill_loses_or_repeats_anything(first: int) -> None:
    """No transition is printed twice or lost, no deadline moves, no hold is broken, and each wait ends."""
    ref = ImportRef("p", "e", "s", "i")
    for seed in range(first, first + 40):
        world = a_world(seed)
        policy = Policy(once=world.once, remembered=True, timeout=1e6, outage_budget=1e5, growth=1.3)
        while not (world.ends and world.ends[-1].outcome is Outcome.COMPLETE):
            world.instants = None if world.chance.random() < 0.2 else world.chance.randrange(30)
            run(world, [ref], policy)
            world.at += world.chance.choice((0.0, 1.0, world.chance.uniform(0, 60)))
            world.skew += world.chance.choice((0.0, world.chance.uniform(-1e6, 1e6)))
            assert len(world.asked) < MOST_RUNS, f"seed {seed}: the wait does not end"
        end, asked = world.ends[-1], len(world.asked)
        reached = [str(transition.to) for transition in end.progress.transitions]
        story = f"seed {seed}: {world.told} of {reached}"
        assert len(world.told) == len(set(world.told)), f"{story}: told twice"
        assert [status for status in reached if status in world.told] == world.told, f"{story}: lost"
        assert len(set(reached)) == len(reached), f"{story}: seen twice"
        assert world.began is not None
        assert world.asked[-1] - world.began == pytest.approx(end.progress.elapsed, abs=1.0), story
        assert _kept_beginning(world) == pytest.approx(world.began, abs=0.01), story
        world.instants = None
        run(world, [ref], policy)
        assert len(world.asked) == asked, f"{story}: a final import was asked for again"
        assert world.ends[-1].progress.elapsed == pytest.approx(end.progress.elapsed, abs=0.01)


def test_a_timeout_counts_over_all_runs() -> None:
    """However often a wait is killed, it ends at its own deadline, after a poll."""
    ref = ImportRef("p", "e", "s", "i")
    for seed in range(60):
        world = a_world(seed)
        world.changes = [0.0, 0.0, 1e9, 1e9]
        policy = Policy(once=world.once, remembered=True, timeout=200.0, outage_budget=1e5)
        while not (world.ends and world.ends[-1].outcome is Outcome.TIMEOUT):
            overdue = world.began is not None and world.at - world.began > 200.0
            spared = overdue or world.chance.random() < 0.2
            world.instants = None if spared else world.chance.randrange(30)
            run(world, [ref], policy)
            world.at += world.chance.uniform(0, 20)
            world.skew += world.chance.uniform(-1e6, 1e6)
            assert len(world.asked) < MOST_RUNS, f"seed {seed}: the wait does not end"
        end = world.ends[-1]
        assert world.began is not None
        held = "asks to wait" in end.message
        assert held or end.progress.elapsed >= 200.0, f"seed {seed}: too early"
        assert end.progress.elapsed < 300.0, f"seed {seed}: {end.progress.elapsed} s, a deadline was moved"
        assert _kept_beginning(world) == pytest.approx(world.began, abs=0.01)
