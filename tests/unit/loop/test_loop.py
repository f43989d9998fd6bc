"""The loop in virtual time: when each import is polled, and what ends a whole watch."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from contextlib import aclosing, suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.driving import EPOCH, import_body
from tests.support.watching import SingleWatch
from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.events import Changed, Ended, Event, Heartbeat, Retrying
from watcher.core.fleet.agenda import LAST_POLL_GRACE
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCY = 0.3


def refs(count: int) -> list[ImportRef]:
    """Return this many imports."""
    return [ImportRef("p", "e", "s", str(number)) for number in range(count)]


def found(ref: ImportRef, status: str) -> Answer:
    """Return a 200 response with an import in a status."""
    return Answer(200, {}, json.dumps(import_body(id=ref.import_id, segmentKey="s", status=status)).encode())


def succeeds(outcome: Outcome) -> bool:
    """Return whether an outcome has the default exit code 0."""
    return outcome in {Outcome.COMPLETE, Outcome.REACHED}


def clock() -> Instant:
    """Return the virtual time on both clocks."""
    now = asyncio.get_running_loop().time()
    return Instant(now, EPOCH + now)


def play(
    count: int,
    status_at: Callable[[ImportRef, float], str],
    terms: Terms,
    *,
    interrupt_at: float | None = None,
) -> list[Event]:
    """Watch imports whose status depends on the time, to the end."""

    async def probe(ref: ImportRef, _fresh: bool) -> Answer | Fault:
        await asyncio.sleep(LATENCY)
        return found(ref, status_at(ref, asyncio.get_running_loop().time()))

    async def run() -> list[Event]:
        watch = SingleWatch(refs(count), terms, probe, Random(1), clock)
        if interrupt_at is not None:
            asyncio.get_running_loop().call_later(interrupt_at, watch.interrupt, 15)
        async with aclosing(watch.events()) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


def outcomes(events: list[Event]) -> list[Outcome]:
    """Return the outcomes in the order of their events."""
    return [event.outcome for event in events if isinstance(event, Ended)]


@pytest.mark.parametrize("count", [1, 50, 300, 1000])
def test_every_import_has_its_last_poll(count: int) -> None:
    """Every import is polled at its deadline, even with more imports than requests that may be in flight."""
    terms = Terms(Policy(timeout=20.0), succeeds)
    events = play(count, lambda _, now: "complete" if now >= 19 else "in_progress", terms)
    assert outcomes(events) == [Outcome.COMPLETE] * count


def test_imports_that_are_equally_due_are_polled_in_their_order() -> None:
    """While there is one request at a time, the first import is polled first."""
    asked: list[str] = []

    def status(ref: ImportRef, _: float) -> str:
        asked.append(ref.import_id)
        return "complete"

    play(5, status, Terms(Policy(), succeeds))
    assert asked == ["0", "1", "2", "3", "4"]


def test_any_suffices_ends_at_the_first_success() -> None:
    """With any_suffices the first success ends the other waits."""
    terms = Terms(Policy(), succeeds, any_suffices=True)
    events = play(3, lambda ref, now: "complete" if ref.import_id == "1" and now > 5 else "ready", terms)
    assert sorted(outcomes(events)) == [Outcome.COMPLETE, Outcome.PENDING, Outcome.PENDING]
    assert [event.left_behind for event in events if isinstance(event, Ended)] == [False, True, True]


def test_fail_fast_ends_at_the_first_failure() -> None:
    """With fail_fast the first failure ends the other waits, each once."""
    terms = Terms(Policy(), succeeds, fail_fast=True)
    events = play(3, lambda _, now: "stopped" if now > 5 else "ready", terms)
    assert outcomes(events) == [Outcome.STOPPED, Outcome.PENDING, Outcome.PENDING]


def test_an_interrupt_ends_every_import_once() -> None:
    """A signal interrupts every unfinished wait, whatever fail_fast says."""
    terms = Terms(Policy(), succeeds, fail_fast=True)
    events = play(4, lambda ref, _: "complete" if ref.import_id == "0" else "ready", terms, interrupt_at=30.0)
    assert outcomes(events) == [Outcome.COMPLETE, *[Outcome.INTERRUPTED] * 3]


def test_heartbeats_come_while_nothing_changes() -> None:
    """While nothing changes, there is one heartbeat an interval, with the time of the next poll."""
    terms = Terms(Policy(timeout=100.0), succeeds, heartbeat=10.0)
    events = play(2, lambda *_: "ready", terms)
    beats = [event for event in events if isinstance(event, Heartbeat)]
    assert len(beats) == 9
    assert {beat.waiting for beat in beats} == {2}
    assert all(beat.next_poll is None or 0 <= beat.next_poll <= 28 for beat in beats)


def test_the_import_that_is_latest_for_its_interval_is_polled_first() -> None:
    """Under overload, imports with short intervals come first, and the others are polled too."""
    asked: Counter[int] = Counter()

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        number = int(ref.import_id)
        asked[number] += 1
        await asyncio.sleep(4.0)
        # Every second import keeps changing, so that its interval stays the shortest.
        return found(ref, ("preparing", "ready")[asked[number] % 2] if number % 2 == 0 else "ready")

    async def run() -> None:
        terms = Terms(Policy(timeout=600.0, min_interval=1.0, max_interval=25.0, growth=2.0), succeeds)
        async with aclosing(SingleWatch(refs(400), terms, probe, Random(1), clock).events()) as events:
            async for _ in events:
                pass

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    fresh = [asked[number] for number in range(0, 400, 2)]
    old = [asked[number] for number in range(1, 400, 2)]
    assert min(fresh) > 4 * max(old)
    assert min(old) >= 8


def test_one_hold_does_not_cost_an_import_its_turn() -> None:
    """After a hold, an import's lateness counts in polling intervals, not in holds."""
    asked: dict[str, list[float]] = {}
    held: list[str] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        now = asyncio.get_running_loop().time()
        asked.setdefault(ref.import_id, []).append(now)
        await asyncio.sleep(4.0)
        if now > 50 and not held:
            held.append(ref.import_id)
            return Answer(429, {"retry-after": "30"}, b"")
        return found(ref, "ready")

    async def run() -> None:
        terms = Terms(Policy(timeout=300.0, min_interval=1.0, max_interval=1.0), succeeds)
        async with aclosing(SingleWatch(refs(400), terms, probe, Random(1), clock).events()) as events:
            async for _ in events:
                pass

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    (victim,) = held
    assert len([moment for moment in asked[victim] if moment > 90]) >= 8


@pytest.mark.parametrize(
    ("headers", "refusals", "looked_at", "ends_by"),
    [
        ({"retry-after": "3600"}, 1, 0, 1.0),
        ({"retry-after": "5"}, 1, 19, 30.0),
        ({}, 1, 19, 30.0),
        ({}, 1000, 0, 31.0),
    ],
    ids=["a long hold", "a short hold", "no moment named", "no end of refusals"],
)
def test_single_looks_wait_for_a_rate_limit_as_long_as_for_an_outage(
    headers: dict[str, str], refusals: int, looked_at: int, ends_by: float
) -> None:
    """The throttled import ends at once; the others wait at most 30 s from the start of the run."""
    count = 0

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        nonlocal count
        count += 1
        refused = count <= refusals
        await asyncio.sleep(LATENCY)
        return Answer(429, headers, b"") if refused else found(ref, "ready")

    async def run() -> list[Event]:
        policy = Policy(once=True, timeout=math.inf, outage_budget=30.0)
        async with aclosing(
            SingleWatch(refs(20), Terms(policy, succeeds), probe, Random(1), clock).events()
        ) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        events = runner.run(run())
    tally = Counter(outcomes(events))
    assert tally == Counter({Outcome.PENDING: looked_at, Outcome.UNAVAILABLE: 20 - looked_at})
    assert events[-1].at.monotonic < ends_by


def test_throttling_ends_the_burst_at_a_common_deadline() -> None:
    """After 429s at a common deadline, there is one request at a time, and waits end without a last poll."""
    asked: list[float] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        now = asyncio.get_running_loop().time()
        asked.append(now)
        await asyncio.sleep(LATENCY)
        return found(ref, "ready") if now < 59 else Answer(429, {}, b"")

    async def run() -> list[Event]:
        watch = SingleWatch(refs(400), Terms(Policy(timeout=60.0), succeeds), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        events = runner.run(run())
    assert outcomes(events) == [Outcome.TIMEOUT] * 400
    assert len([moment for moment in asked if moment >= 59]) < 100
    assert events[-1].at.monotonic <= 60.0 + LAST_POLL_GRACE + LATENCY


@pytest.mark.parametrize("answer_after", [10.0, 100_000.0])
def test_a_large_fleet_ends_soon_after_its_deadline(answer_after: float) -> None:
    """Even if every request hangs forever, waits end soon after their deadline."""
    ends: list[float] = []

    async def probe(_: ImportRef, _fresh: bool) -> Fault:
        await asyncio.sleep(answer_after)
        return Fault(FaultKind.NETWORK, "no whole answer came")

    async def run() -> None:
        watch = SingleWatch(
            refs(1000),
            Terms(Policy(timeout=60.0), succeeds),
            probe,
            Random(1),
            clock,
        )
        async with aclosing(watch.events()) as events:
            ends.extend([event.at.monotonic async for event in events if isinstance(event, Ended)])

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    assert len(ends) == 1000
    assert max(ends) <= 60.0 + 2 * LAST_POLL_GRACE + 0.01


def test_a_request_ends_at_its_timeout() -> None:
    """A request without a response is a fault after the request timeout, and the next one is sent."""
    asked: list[float] = []
    faults: list[Retrying] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) == 1:
            await asyncio.sleep(1e9)
        return found(ref, "complete")

    async def run() -> None:
        watch = SingleWatch(refs(1), Terms(Policy(), succeeds, request_timeout=7.0), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            faults.extend([event async for event in events if isinstance(event, Retrying)])

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    (fault,) = faults
    assert fault.at.monotonic == pytest.approx(7.0)
    assert fault.detail == "no complete response within 7s"
    assert asked == [0.0, pytest.approx(7.0 + fault.wait)]


def test_a_lost_cancellation_is_repeated() -> None:
    """A request that ignores its cancellation, as connection attempts can, is cancelled once more."""
    cancelled: list[float] = []

    async def probe(_: ImportRef, _fresh: bool) -> Answer:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1e9)
        cancelled.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1e9)
        raise AssertionError("the second cancellation was lost")

    async def run() -> Event:
        watch = SingleWatch(refs(1), Terms(Policy(), succeeds, request_timeout=7.0), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            return await anext(event async for event in events if isinstance(event, Retrying))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        fault = runner.run(run())
    assert cancelled[0] == pytest.approx(7.0)
    assert fault.at.monotonic == pytest.approx(7.1)


def test_a_slow_consumer_does_not_delay_request_timeouts() -> None:
    """A request ends at its timeout, with the right time, while the consumer is busy."""
    asked: list[ImportRef] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        asked.append(ref)
        if ref != asked[0]:
            await asyncio.sleep(1e9)
        await asyncio.sleep(LATENCY)
        return found(ref, "preparing" if len(asked) == 1 else "ready")

    async def run() -> Retrying:
        watch = SingleWatch(refs(2), Terms(Policy(), succeeds, request_timeout=20.0), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            async for event in events:
                if isinstance(event, Changed) and event.transition.to == "ready":
                    await asyncio.sleep(60)
                if isinstance(event, Retrying):
                    return event
        raise AssertionError("the request has no timeout")

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        fault = runner.run(run())
    assert fault.ref != asked[0]
    assert fault.at.monotonic == pytest.approx(20.0 + LATENCY)


def test_wakes_at_is_the_next_poll_or_timeout() -> None:
    """A health check can detect a stuck loop: wakes_at is the next poll or the end of a request."""
    asked: list[float] = []
    told: list[float] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(LATENCY if len(asked) == 1 else 6.5)
        return found(ref, "preparing" if len(asked) == 1 else "complete")

    async def run() -> None:
        policy = Policy(min_interval=25.0, max_interval=25.0)
        watch = SingleWatch(refs(1), Terms(policy, succeeds, request_timeout=7.0), probe, Random(1), clock)
        for moment in (0.1, 10.0, 29.0):  # in a request, asleep, and in another request
            asyncio.get_running_loop().call_at(moment, lambda: told.append(watch.wakes_at))
        async with aclosing(watch.events()) as events:
            assert [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
    assert told == pytest.approx([7.0, asked[1], asked[1] + 7.0])


def test_a_heartbeat_includes_the_hold() -> None:
    """During a hold, the next poll of a heartbeat is after the hold."""

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        await asyncio.sleep(LATENCY)
        if ref.import_id == "0":
            return Answer(429, {"retry-after": "300"}, b"")
        return found(ref, "ready")

    async def run() -> list[Event]:
        watch = SingleWatch(
            refs(2), Terms(Policy(timeout=400.0), succeeds, heartbeat=60.0), probe, Random(1), clock
        )
        async with aclosing(watch.events()) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        beats = [event for event in runner.run(run()) if isinstance(event, Heartbeat)]
    assert beats[0].next_poll is not None
    assert beats[0].next_poll > 200


def test_a_defect_in_a_request_is_raised() -> None:
    """An unexpected exception ends the whole watch."""

    async def probe(_: ImportRef, _fresh: bool) -> Answer:
        raise LookupError("planted")

    async def run() -> None:
        watch = SingleWatch(refs(2), Terms(Policy(), succeeds), probe, Random(1), clock)
        async with aclosing(watch.events()) as events:
            async for _ in events:
                pass

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(LookupError, match="planted"),
    ):
        runner.run(run())
