"""The loop, on virtual time: who is asked when, and what ends a whole watch."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.unit.driving import EPOCH, import_body
from watcher.core.events import Ended, Event, Heartbeat
from watcher.core.model import ImportRef, Instant, Outcome
from watcher.core.policy import Policy
from watcher.core.replies import Answer, Broken
from watcher.watch import Terms, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCY = 0.3


def refs(count: int) -> list[ImportRef]:
    """As many imports."""
    return [ImportRef("p", "e", "s", str(number)) for number in range(count)]


def found(ref: ImportRef, status: str) -> Answer:
    """A 200 that shows an import at a status."""
    return Answer(200, {}, json.dumps(import_body(id=ref.import_id, segmentKey="s", status=status)).encode())


def succeeds(outcome: Outcome) -> bool:
    """The contract's default."""
    return outcome in {Outcome.COMPLETE, Outcome.REACHED}


def clock() -> Instant:
    """Virtual time on both clocks."""
    now = asyncio.get_running_loop().time()
    return Instant(now, EPOCH + now)


def play(
    count: int,
    status_at: Callable[[ImportRef, float], str],
    terms: Terms,
    *,
    interrupt_at: float | None = None,
) -> list[Event]:
    """Watches imports whose status is a function of time, to the end."""

    async def probe(ref: ImportRef) -> Answer | Broken:
        await asyncio.sleep(LATENCY)
        return found(ref, status_at(ref, asyncio.get_running_loop().time()))

    async def run() -> list[Event]:
        watch = Watch(refs(count), terms, probe, Random(1), clock)
        if interrupt_at is not None:
            asyncio.get_running_loop().call_later(interrupt_at, watch.interrupt, 15)
        async with aclosing(watch.events()) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


def outcomes(events: list[Event]) -> list[Outcome]:
    """How the imports ended, in the order of their ends."""
    return [event.outcome for event in events if isinstance(event, Ended)]


@pytest.mark.parametrize("count", [1, 50, 300, 1000])
def test_every_import_has_its_last_look(count: int) -> None:
    """A fleet larger than the requests that may be under way misses no end for lack of room."""
    terms = Terms(Policy(timeout=20.0), succeeds)
    events = play(count, lambda _, now: "complete" if now >= 19 else "in_progress", terms)
    assert outcomes(events) == [Outcome.COMPLETE] * count


def test_the_first_success_is_enough() -> None:
    """With any_suffices the others are left behind at the first success."""
    terms = Terms(Policy(), succeeds, any_suffices=True)
    events = play(3, lambda ref, now: "complete" if ref.import_id == "1" and now > 5 else "ready", terms)
    assert sorted(outcomes(events)) == [Outcome.COMPLETE, Outcome.PENDING, Outcome.PENDING]
    assert [event.left_behind for event in events if isinstance(event, Ended)] == [False, True, True]


def test_the_first_failure_is_enough() -> None:
    """With fail_fast the others are left behind at the first failure, and each ends once."""
    terms = Terms(Policy(), succeeds, fail_fast=True)
    events = play(3, lambda _, now: "stopped" if now > 5 else "ready", terms)
    assert outcomes(events) == [Outcome.STOPPED, Outcome.PENDING, Outcome.PENDING]


def test_an_interrupt_ends_every_import_once() -> None:
    """A signal interrupts all that are unfinished, whatever fail_fast says."""
    terms = Terms(Policy(), succeeds, fail_fast=True)
    events = play(4, lambda ref, _: "complete" if ref.import_id == "0" else "ready", terms, interrupt_at=30.0)
    assert outcomes(events) == [Outcome.COMPLETE, *[Outcome.INTERRUPTED] * 3]


def test_heartbeats_break_the_silence() -> None:
    """When nothing changes, a heartbeat comes at each interval, with the next poll."""
    terms = Terms(Policy(timeout=100.0), succeeds, heartbeat=10.0)
    events = play(2, lambda *_: "ready", terms)
    beats = [event for event in events if isinstance(event, Heartbeat)]
    assert len(beats) == 9
    assert {beat.waiting for beat in beats} == {2}
    assert all(beat.next_poll is None or 0 <= beat.next_poll <= 28 for beat in beats)


def test_a_fresh_import_and_an_old_one_both_get_their_share() -> None:
    """Under overload, whoever is most overdue for its own interval is asked first."""
    asked: list[str] = []

    async def probe(ref: ImportRef) -> Answer:
        asked.append(ref.import_id)
        await asyncio.sleep(50)
        return found(ref, "ready")

    async def run() -> None:
        watch = Watch(
            refs(150), Terms(Policy(timeout=1000.0), succeeds, heartbeat=10.0), probe, Random(1), clock
        )
        async with aclosing(watch.events()) as events:
            async for event in events:
                if event.at.monotonic > 900:
                    break

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    counts = [asked.count(str(number)) for number in range(150)]
    assert max(counts) - min(counts) <= 2


def test_a_defect_in_a_request_comes_out() -> None:
    """An exception that nobody foresaw ends the watch rather than an import's polls."""

    async def probe(_: ImportRef) -> Answer:
        raise LookupError("planted")

    async def run() -> None:
        watch = Watch(refs(2), Terms(Policy(), succeeds), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            async for _ in events:
                pass

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(LookupError, match="planted"),
    ):
        runner.run(run())
