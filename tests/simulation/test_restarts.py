"""A wait that is killed at random moments and resumed, with a wall clock that is steady or stepped."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop, dice
from tests.support.watching import SingleWatch
from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.events import Changed, Ended
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.state.disk import StateFile
from watcher.state.document import decode
from watcher.state.store import StateStore

if TYPE_CHECKING:
    from random import Random

    from watcher.core.events import Event

EPOCH = 1_700_000_000.0
BASE = "https://app.launchdarkly.com"
STATUSES = ("preparing", "pending_approval", "ready", "in_progress", "complete")
MOST_RUNS = 3000


class _KilledError(Exception):
    """The process is killed."""


class _Disk(StateFile):
    """A file in memory; a kill comes before or after a write."""

    def __init__(self, world: _World) -> None:
        super().__init__(Path("state"), -1)
        self._world = world

    def read(self) -> bytes | None:
        return self._world.content

    def write(self, content: bytes) -> None:
        self._world.pass_instant()
        self._world.content = content
        self._world.saved_until = self._world.named_until
        if self._world.began is None:
            self._world.began = self._world.at
        self._world.pass_instant()

    def set_aside(self) -> Path:
        raise AssertionError("the program does not accept its own file")


@dataclass(slots=True)
class _World:
    """Everything that outlives a run: LaunchDarkly, the machine with its clocks, and the reader.

    Attributes:
        chance: Decides everything.
        once: Whether each run is a single look.
        steps: Whether the wall clock is stepped, during runs and between them.
        at: The true time in seconds, which only this world knows.
        skew: How far the wall clock is ahead.
        content: The content of the state file.
        instants: The number of instants until the process is killed; None if it is not.
        named_until: The latest true time that the API named to this process.
        saved_until: The same as far as the file says.
        began: When the file was first written.
        asked: The true times of all requests.
        told: The transitions that were reported.
        ends: The outcomes that were reported.
        changes: When the import's status changes.
    """

    chance: Random
    once: bool
    steps: bool
    at: float = 0.0
    skew: float = 0.0
    content: bytes | None = None
    instants: int | None = None
    named_until: float = 0.0
    saved_until: float = 0.0
    began: float | None = None
    asked: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    def pass_instant(self) -> None:
        """Let an instant pass; the process may be killed then."""
        if self.instants is not None:
            self.instants -= 1
            if self.instants < 0:
                raise _KilledError

    def status(self) -> str:
        """Return the import's present status."""
        return STATUSES[sum(self.at >= moment for moment in self.changes)]

    def unix(self) -> float:
        """Return the wall clock's time."""
        return EPOCH + self.at + self.skew

    def step(self, most: float) -> None:
        """Step the wall clock, if that happens in this world."""
        if self.steps:
            self.skew += self.chance.uniform(-most, most)


def a_world(seed: int, *, steps: bool) -> _World:
    """Return a world with the life of an import."""
    chance = dice(seed, 9)
    world = _World(chance, once=chance.random() < 0.4, steps=steps, skew=chance.uniform(-1e6, 1e6))
    moment = 0.0
    for _ in range(len(STATUSES) - 1):
        moment += chance.choice((0.0, chance.uniform(1, 60)))
        world.changes.append(moment)
    return world


def run(world: _World, refs: list[ImportRef], policy: Policy) -> None:
    """Run one process until it ends or is killed."""
    started, world.named_until = world.at, world.saved_until

    def clock() -> Instant:
        now = asyncio.get_running_loop().time()
        world.at = started + now
        return Instant(now, world.unix())

    async def probe(ref: ImportRef, _fresh: bool) -> Answer | Fault:
        clock()
        world.pass_instant()
        assert world.steps or world.at >= world.named_until - 1e-5, (
            "polled before the time that the API named"
        )
        world.asked.append(world.at)
        await asyncio.sleep(world.chance.uniform(0, 0.5))
        clock()
        if world.chance.random() < 0.1:
            world.step(5000)
        if world.chance.random() < 0.1:
            return Fault(FaultKind.NETWORK, "no connection")
        if world.chance.random() < 0.15:
            wait = world.chance.randrange(1, 40)
            world.named_until = max(world.named_until, world.at + wait)
            return Answer(429, {"retry-after": str(wait)}, b"{}")
        body = {"id": ref.import_id, "segmentKey": ref.segment, "status": world.status()}
        return Answer(200, {}, json.dumps(body).encode())

    async def follow() -> None:
        store = StateStore(_Disk(world), BASE, refs, pytest.fail, world.unix)
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE)
        watch = SingleWatch(refs, terms, probe, world.chance, clock, saved=store.saved, save=store.save)
        ends: list[Ended] = []
        async with aclosing(watch.events()) as events:
            async for event in events:
                clock()
                world.pass_instant()
                _read(world, event)
                if isinstance(event, Ended):
                    ends.append(event)
        store.record_outcomes(ends)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner, suppress(_KilledError):
        runner.run(follow())


def _read(world: _World, event: Event) -> None:
    if isinstance(event, Changed):
        world.told.append(str(event.transition.to))
    elif isinstance(event, Ended):
        world.ends.append(event)


def _saved_beginning(world: _World) -> float:
    """Return when the wait began according to the file, in true time."""
    assert world.content is not None
    (entry,) = decode(world.content).imports
    return entry.wait.began - EPOCH - world.skew


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("first", range(0, 160, 40))
def test_no_kill_loses_or_repeats_anything(first: int, *, steps: bool) -> None:
    """Every wait ends; no transition is lost or reported twice; with a steady clock all times are right."""
    ref = ImportRef("p", "e", "s", "i")
    for seed in range(first, first + 40):
        world, runs = a_world(seed, steps=steps), 0
        policy = Policy(once=world.once, remembered=True, timeout=math.inf, outage_budget=1e5, growth=1.3)
        while not (world.ends and world.ends[-1].outcome is Outcome.COMPLETE):
            world.instants = None if world.chance.random() < 0.2 else world.chance.randrange(30)
            run(world, [ref], policy)
            runs += 1
            world.at += world.chance.choice((0.0, 1.0, world.chance.uniform(0, 60)))
            world.step(world.chance.choice((0.0, 1e6)))
            assert runs < MOST_RUNS, f"seed {seed}: the wait does not end"
            assert len(world.asked) < MOST_RUNS, f"seed {seed}: the wait does not end"
        end, asked = world.ends[-1], len(world.asked)
        reached = [str(transition.to) for transition in end.progress.transitions]
        story = f"seed {seed}: {world.told} of {reached}"
        assert len(world.told) == len(set(world.told)), f"{story}: reported twice"
        assert [status for status in reached if status in world.told] == world.told, f"{story}: lost"
        assert len(set(reached)) == len(reached), f"{story}: seen twice"
        if not steps:
            assert world.began is not None
            assert world.asked[-1] - world.began == pytest.approx(end.progress.elapsed, abs=1.0), story
            assert _saved_beginning(world) == pytest.approx(world.began, abs=0.01), story
        world.instants = None
        run(world, [ref], policy)
        assert len(world.asked) == asked, f"{story}: a final import was polled again"
        assert world.ends[-1].progress.elapsed == pytest.approx(end.progress.elapsed, abs=0.01)


def test_a_timeout_counts_over_all_runs() -> None:
    """However often a wait is killed, it ends at its deadline, after one more poll."""
    ref = ImportRef("p", "e", "s", "i")
    for seed in range(60):
        world = a_world(seed, steps=False)
        world.changes = [0.0, 0.0, 1e9, 1e9]
        policy = Policy(once=world.once, remembered=True, timeout=200.0, outage_budget=1e5)
        while not (world.ends and world.ends[-1].outcome is Outcome.TIMEOUT):
            overdue = world.began is not None and world.at - world.began > 200.0
            spared = overdue or world.chance.random() < 0.2
            world.instants = None if spared else world.chance.randrange(30)
            run(world, [ref], policy)
            world.at += world.chance.uniform(0, 20)
            assert len(world.asked) < MOST_RUNS, f"seed {seed}: the wait does not end"
        end = world.ends[-1]
        assert world.began is not None
        held = "asks to wait" in end.message
        assert held or end.progress.elapsed >= 200.0, f"seed {seed}: too early"
        assert end.progress.elapsed < 300.0, f"seed {seed}: {end.progress.elapsed} s, the deadline moved"
        assert _saved_beginning(world) == pytest.approx(world.began, abs=0.01)
