"""Play one scenario: the real loop and rules against the model, on virtual time."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.simulation.answers import SILENCE, Meaning
from tests.simulation.model import Server
from tests.simulation.virtual import StuckError, VirtualClock, VirtualLoop, dice, local_unix
from tests.support.watching import SingleWatch
from watcher.core.events import Ended
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.policy import Terms
from watcher.loop import loop as loop_module
from watcher.loop.loop import Loop
from watcher.loop.watch import Watch

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from tests.simulation.answers import Said, Served
    from tests.simulation.scenario import GroupPlan, Scenario, Wishes
    from watcher.core.answers.replies import Answer, Fault
    from watcher.core.events import Event, Progress
    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy

LONGEST = 60 * 3600.0
"""Longest wait in virtual seconds."""

MOST_REQUESTS = 6000

UNREAD_LIMIT = 4
"""A small limit, so that stalled consumers reach it."""

LATEST_RESET = 120.0
LATEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its number, the position of its import, when it was sent, and if on a new connection."""

    number: int
    position: int
    at: float
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """The response to a request.

    Attributes:
        asked: The request.
        at: When it arrived.
        served: What the model sent.
        named_until: The latest time that it named, on the loop's clock.
        told_until: The same, including resets of limits with something left.
    """

    asked: Asked
    at: float
    served: Served
    named_until: float | None
    told_until: float | None

    @property
    def is_binding(self) -> bool:
        """Whether a last poll must respect the named time as well: LaunchDarkly itself named it."""
        return self.served.meaning not in {Meaning.SERVER, Meaning.GATEWAY}


@dataclass(slots=True)
class GroupLog:
    """The log of one group.

    Attributes:
        left_at: When its consumer left or read the last event; None if it never joined.
        most_unread: The largest number of its unread events.
        progress: The progress of its waits when its consumer left.
    """

    plan: GroupPlan
    events: list[Event] = field(default_factory=list)
    left_at: float | None = None
    most_unread: int = 0
    progress: dict[ImportRef, Progress] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """The number of imports whose end was read."""
        return sum(isinstance(event, Ended) for event in self.events)


@dataclass(slots=True)
class Run:
    """The log of one simulation."""

    scenario: Scenario
    asked: list[Asked] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    crash: Exception | None = None
    result: Result | None = None
    groups: list[GroupLog] = field(default_factory=list)

    @property
    def ends(self) -> list[Ended]:
        """The ends of imports, in order."""
        return [event for event in self.events if isinstance(event, Ended)]


def play(scenario: Scenario) -> Run:
    """Play a scenario to its end; a crash of the code under test is part of the log."""
    run = Run(scenario)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(_play_groups(run) if scenario.groups else _play(run))
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (the log shows it)
        run.crash = error if isinstance(error, Exception) else StuckError(repr(error))
        return run
    codes = ExitCodes(scenario.wishes.remapped)
    if run.ends:
        run.result = codes.result(run.ends, any_suffices=scenario.wishes.any_suffices)
    return run


async def _play(run: Run) -> None:
    scenario, loop = run.scenario, asyncio.get_running_loop()
    wishes, terms = scenario.wishes, _terms(scenario.policy, scenario.wishes)
    clock = VirtualClock(loop, scenario.world.skew)
    line = _Line(run, Server(scenario), loop)
    watch = SingleWatch(scenario.refs, terms, line.probe, dice(scenario.seed, 3), clock)
    if wishes.interrupt is not None:
        loop.call_at(wishes.interrupt.at, watch.interrupt, wishes.interrupt.signal)
    async with aclosing(watch.events()) as events:
        async for event in events:
            run.events.append(event)
            if loop.time() > LONGEST:
                raise StuckError(f"the wait goes on after {LONGEST / 3600:.0f} virtual hours")


async def _play_groups(run: Run) -> None:
    scenario, loop = run.scenario, asyncio.get_running_loop()
    clock = VirtualClock(loop, scenario.world.skew)
    line = _Line(run, Server(scenario), loop)
    timeout = scenario.wishes.request_timeout
    run.groups = [GroupLog(plan) for plan in scenario.groups]
    watching = Loop(line.probe, dice(scenario.seed, 3), clock, request_timeout=timeout)
    with patch.object(loop_module, "UNREAD_LIMIT", UNREAD_LIMIT):
        async with watching, asyncio.TaskGroup() as consumers:
            for log in run.groups:
                consumers.create_task(_consume(run, log, watching))
            consumers.create_task(_stop_late(run))


async def _stop_late(run: Run) -> None:
    """Check that all groups end in time."""
    while any(log.left_at is None for log in run.groups):
        await asyncio.sleep(60.0)
        if asyncio.get_running_loop().time() > LONGEST:
            raise StuckError(f"the waits go on after {LONGEST / 3600:.0f} virtual hours")


async def _consume(run: Run, log: GroupLog, watching: Loop) -> None:
    """Join, and read until the end or until the plan says to leave."""
    plan, loop = log.plan, asyncio.get_running_loop()
    if plan.joins:
        await asyncio.sleep(plan.joins)
    refs = [run.scenario.refs[position] for position in plan.positions]
    watch = Watch(watching, refs, _terms(plan.policy, plan.wishes))
    interrupt = plan.wishes.interrupt
    if interrupt is not None:
        loop.call_at(plan.joins + interrupt.at, watch.interrupt, interrupt.signal)
    reading = asyncio.create_task(_read(log, watch))
    if plan.leaves is not None and plan.cancelled:

        def leave() -> None:
            log.progress = watch.progress()
            reading.cancel()

        loop.call_at(plan.joins + plan.leaves, leave)
    try:
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.result()
    finally:
        log.left_at = loop.time()


async def _read(log: GroupLog, watch: Watch) -> None:
    plan, loop = log.plan, asyncio.get_running_loop()
    stall, resumed_at, unread = plan.stall, math.inf, 0
    async with aclosing(watch.events()) as events:
        async for event in events:
            log.events.append(event)
            now = loop.time()
            if plan.leaves is not None and not plan.cancelled and now >= plan.joins + plan.leaves:
                log.progress = watch.progress()
                if len(log.progress) + log.ended == len(plan.positions):  # no end is unread
                    return
            unread = unread + 1 if now == resumed_at else 0
            log.most_unread = max(log.most_unread, unread)
            if stall is not None and now >= plan.joins + stall.begins:
                await asyncio.sleep(stall.length)
                stall, resumed_at = None, loop.time()


def _terms(policy: Policy, wishes: Wishes) -> Terms:
    codes = ExitCodes(wishes.remapped)
    return Terms(
        policy=policy,
        succeeds=lambda outcome: codes.code(outcome) == 0,
        any_suffices=wishes.any_suffices,
        fail_fast=wishes.fail_fast,
        heartbeat=wishes.heartbeat,
        request_timeout=wishes.request_timeout,
    )


class _Line:
    """The network between watch and server, with a log."""

    def __init__(self, run: Run, server: Server, loop: AbstractEventLoop) -> None:
        self._run = run
        self._server = server
        self._loop = loop
        self._positions = {ref: position for position, ref in enumerate(run.scenario.refs)}
        self._timeout = run.scenario.wishes.request_timeout
        self._skew = run.scenario.world.skew

    async def probe(self, ref: ImportRef, fresh: bool) -> Answer | Fault:
        """Send one request, as the client does; the loop cancels it on a timeout."""
        log = self._run.asked
        if len(log) >= MOST_REQUESTS:
            raise StuckError(f"the wait goes on after {MOST_REQUESTS} requests")
        asked = Asked(len(log), self._positions[ref], self._loop.time(), fresh)
        log.append(asked)
        try:
            served = await self._exchange(asked)
        except asyncio.CancelledError:
            if self._loop.time() >= asked.at + self._timeout:  # else the watch has ended
                self._note(asked, SILENCE)
            raise
        self._note(asked, served)
        return served.answer

    async def _exchange(self, asked: Asked) -> Served:
        outward, back = self._server.latency()
        if outward:
            await asyncio.sleep(outward)
        served = self._server.serve(asked.position, self._loop.time())
        if served is SILENCE:
            await self._loop.create_future()
        await asyncio.sleep(back)
        return served

    def _note(self, asked: Asked, served: Served) -> None:
        now = self._loop.time()
        named = named_until(served.said, now, self._skew, every=served.meaning is Meaning.THROTTLED)
        told = named_until(served.said, now, self._skew, every=True)
        self._run.arrived.append(Arrived(asked, now, served, named, told))


def named_until(said: Said, arrived: float, skew: float, *, every: bool) -> float | None:
    """Return the latest time that a response named, by the contract's rules.

    Args:
        said: The times in its headers.
        arrived: When it arrived, on the loop's clock.
        skew: How far the watcher's wall clock is ahead, in seconds.
        every: Whether every reset counts, as on a 429.

    Returns:
        The time on the loop's clock; None if it named none that counts.
    """
    base = local_unix(arrived, skew) if said.date is None else said.date
    waits = [] if said.retry_after is None else [float(said.retry_after)]
    if said.retry_at is not None:
        wait = said.retry_at - base
        waits += [wait] if wait <= LATEST_RETRY_AFTER else []
    for reset in said.resets:
        wait = reset.milliseconds / 1000 - base
        if (every or reset.spent) and wait <= LATEST_RESET:
            waits.append(wait)
    latest = max(waits, default=0.0)
    return arrived + latest if latest > 0 else None
