"""Several watches that share a loop, in virtual time: they join, leave and stall at any time."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.unit.loop.test_loop import LATENCY, clock, found, outcomes, refs, succeeds
from watcher.core.answers.replies import Answer
from watcher.core.errors import WatcherError
from watcher.core.events import Changed, Ended, Heartbeat, Watching
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.loop.loop import UNREAD_LIMIT, Loop, finish
from watcher.loop.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watcher.core.events import Event
    from watcher.core.model import ImportRef

_Result = TypeVar("_Result")

EVERY_SECOND = Policy(min_interval=1.0, max_interval=1.0, timeout=math.inf)


class Api:
    """An API whose imports have the status of ``status`` at the time of a request.

    Attributes:
        asked: The time of each request and its import.
        cancelled: The imports of requests that were cancelled.
    """

    def __init__(self, status: Callable[[float], str], latency: float = LATENCY) -> None:
        self._status = status
        self._latency = latency
        self.asked: list[tuple[float, str]] = []
        self.cancelled: list[str] = []

    async def probe(self, ref: ImportRef, _fresh: bool) -> Answer:
        """Respond after the latency."""
        now = asyncio.get_running_loop().time()
        self.asked.append((now, ref.import_id))
        try:
            await asyncio.sleep(self._latency)
        except asyncio.CancelledError:
            self.cancelled.append(ref.import_id)
            raise
        return found(ref, self._status(now))

    def moments(self, import_id: str) -> list[float]:
        """Return the times of the requests for an import."""
        return [moment for moment, asked in self.asked if asked == import_id]


def run(api: Api, use: Callable[[Loop], Awaitable[_Result]], request_timeout: float = 10.0) -> _Result:
    """Run a program with a loop, and check that no task is left."""

    async def main() -> _Result:
        async with Loop(api.probe, Random(1), clock, request_timeout=request_timeout) as loop:
            result = await use(loop)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def watch(loop: Loop, *numbers: int, policy: Policy = EVERY_SECOND, heartbeat: float = math.inf) -> Watch:
    """Return a watch of the imports with these numbers."""
    everyone = refs(max(numbers) + 1)
    return Watch(loop, [everyone[number] for number in numbers], Terms(policy, succeeds, heartbeat=heartbeat))


async def read(watching: Watch) -> list[Event]:
    """Read all events."""
    async with aclosing(watching.events()) as events:
        return [event async for event in events]


def test_two_watches_of_an_import_share_its_polls() -> None:
    """Each poll is for both watches; the slower one has the events of the faster one."""
    api = Api(lambda now: "complete" if now > 20 else "ready")
    slow = Policy(min_interval=15.0, max_interval=15.0)

    async def use(loop: Loop) -> tuple[list[Event], ...]:
        return await asyncio.gather(read(watch(loop, 0)), read(watch(loop, 0, policy=slow)))

    first, second = run(api, use)
    assert outcomes(first) == outcomes(second) == [Outcome.COMPLETE]
    assert [event.at for event in first] == [event.at for event in second]
    assert {event.progress.polls for event in (first[-1], second[-1])} == {len(api.asked)}
    assert all(
        later - earlier > 0.9 for (earlier, _), (later, _) in zip(api.asked, api.asked[1:], strict=False)
    )


def test_a_watch_gets_no_reply_to_a_request_from_before_it_began() -> None:
    """A status from before a watch began says nothing about it, so that watch waits for the next poll."""
    api = Api(lambda now: "ready" if now < 1 else "complete", latency=5.0)

    async def late(loop: Loop) -> list[Event]:
        await asyncio.sleep(1.0)
        return await read(watch(loop, 0))

    async def use(loop: Loop) -> tuple[list[Event], ...]:
        return await asyncio.gather(read(watch(loop, 0)), late(loop))

    first, second = run(api, use)
    assert [event.transition.to for event in first if isinstance(event, Changed)] == ["ready", "complete"]
    assert [event.transition.to for event in second if isinstance(event, Changed)] == ["complete"]
    assert api.moments("0") == [0.0, 5.0]


@pytest.mark.parametrize("by", ["closing", "cancelling"])
def test_leaving_stops_the_polls_at_once(by: str) -> None:
    """No request is sent after a watch was left, and the request in flight is cancelled."""
    api = Api(lambda _: "ready", latency=0.9)

    async def leave(loop: Loop) -> None:
        watching = watch(loop, 0)
        if by == "cancelling":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10.0):
                    await read(watching)
            return
        async with aclosing(watching.events()) as events:
            async for _ in events:
                await asyncio.sleep(10.0)
                return

    async def use(loop: Loop) -> None:
        other = asyncio.create_task(read(watch(loop, 1)))
        await leave(loop)
        await asyncio.sleep(20.0)
        other.cancel()

    run(api, use)
    assert 3 < len(api.moments("0")) < 10
    assert max(api.moments("0")) <= 10.0
    assert len(api.moments("1")) > 10


def test_a_request_that_another_watch_needs_goes_on() -> None:
    """Only the last watch of an import that is left cancels its request."""
    api = Api(lambda _: "complete", latency=5.0)

    async def use(loop: Loop) -> list[Event]:
        staying, leaving = (asyncio.create_task(read(watch(loop, 0))) for _ in range(2))
        await asyncio.sleep(1.0)
        leaving.cancel()
        return await staying

    assert outcomes(run(api, use)) == [Outcome.COMPLETE]
    assert (len(api.asked), api.cancelled) == (1, [])


def test_a_hung_request_is_cancelled_with_its_last_watch() -> None:
    """Without a request timeout, a request without a response ends when nobody waits for it."""
    api = Api(lambda _: "ready", latency=1e9)

    async def use(loop: Loop) -> None:
        leaving = asyncio.create_task(read(watch(loop, 0)))
        await asyncio.sleep(1.0)
        leaving.cancel()
        await asyncio.sleep(0.01)
        assert api.cancelled == ["0"]

    run(api, use, request_timeout=math.inf)


def test_a_stalled_consumer_delays_nobody_and_loses_nothing() -> None:
    """Its queue is bounded, its imports are not polled then, and it finds all transitions in order."""
    api = Api(lambda now: "in_progress" if int(now) % 2 else "ready")
    seen: list[str] = []

    async def stall(loop: Loop) -> None:
        async with aclosing(watch(loop, 0).events()) as events:
            async for event in events:
                if isinstance(event, Watching):
                    await asyncio.sleep(900.0)
                if isinstance(event, Changed):
                    assert event.transition.source == (seen[-1] if seen else None)
                    seen.append(event.transition.to)
                if event.at.monotonic > 900.0:
                    return

    async def use(loop: Loop) -> None:
        other = asyncio.create_task(read(watch(loop, 1)))
        await stall(loop)
        other.cancel()

    run(api, use)
    polls = [moment for moment in api.moments("0") if 10 < moment < 900]
    assert UNREAD_LIMIT / 2 < len(polls) < 4 * UNREAD_LIMIT
    assert max(polls) < 400
    assert len(seen) > UNREAD_LIMIT / 2
    gaps = [later - earlier for earlier, later in pairwise(api.moments("1"))]
    assert max(gaps) < 1.1 + LATENCY + 0.01


def test_a_deadline_during_a_stall_applies_after_one_more_poll() -> None:
    """An import that was completed while nobody read its events is complete, not timed out."""
    api = Api(lambda now: "complete" if now > 400 else ("in_progress" if int(now) % 2 else "ready"))
    policy = Policy(min_interval=1.0, max_interval=1.0, timeout=1800.0)

    async def use(loop: Loop) -> list[Event]:
        read_events = []
        async with aclosing(watch(loop, 0, policy=policy).events()) as events:
            async for event in events:
                read_events.append(event)
                if isinstance(event, Watching):
                    await asyncio.sleep(3600.0)
        return read_events

    events = run(api, use)
    assert outcomes(events) == [Outcome.COMPLETE]
    assert events[-1].at.monotonic == pytest.approx(3600.0, abs=2.0)


def test_no_heartbeat_is_added_to_a_full_queue() -> None:
    """Heartbeats stop while nobody reads them."""
    api = Api(lambda _: "ready")

    async def use(loop: Loop) -> int:
        count = 0
        async with aclosing(watch(loop, 0, heartbeat=1.0).events()) as events:
            async for event in events:
                if isinstance(event, Watching):
                    await asyncio.sleep(3600.0)
                if event.at.monotonic >= 3600.0:
                    return count
                count += isinstance(event, Heartbeat)
        raise AssertionError

    assert run(api, use) <= UNREAD_LIMIT


class TimeoutOfTheProgram(BaseException):
    """What a program raises to end a task, such as Airflow's ``AirflowTaskTimeout``."""


@pytest.mark.parametrize("planted", [LookupError, TimeoutOfTheProgram])
def test_an_error_reaches_every_watch_and_a_later_watch_works(planted: type[BaseException]) -> None:
    """All watches raise the error of a request; the next watch respects the hold from before."""
    asked: list[float] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer:
        asked.append(asyncio.get_running_loop().time())
        number = len(asked)
        await asyncio.sleep(1.0 if number == 3 else LATENCY)
        if number == 2:
            return Answer(429, {"retry-after": "100"}, b"")
        if number == 3:
            raise planted("it")
        return found(ref, "ready" if number == 1 else "complete")

    async def main() -> list[Event]:
        async with Loop(probe, Random(1), clock, request_timeout=10.0) as loop:
            broken = await asyncio.gather(
                *(read(watch(loop, number, policy=Policy())) for number in range(3)), return_exceptions=True
            )
            assert [repr(error) for error in broken] == [repr(planted("it"))] * 3
            return await read(watch(loop, 0))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        events = runner.run(main())
    assert outcomes(events) == [Outcome.COMPLETE]
    assert (len(asked), asked[3] >= 100.0) == (4, True)


def test_a_defect_without_a_watch_does_not_block_the_program() -> None:
    """A clock that fails stops the loop until somebody watches again."""
    broken = False

    def fail() -> None:
        nonlocal broken
        broken = True

    async def main() -> list[Event]:
        def failing_clock() -> object:
            if broken:
                raise LookupError("planted")
            return clock()

        api = Api(lambda _: "ready")
        async with Loop(api.probe, Random(1), failing_clock, request_timeout=10.0) as loop:  # type: ignore[arg-type]  # returns an Instant
            reading = asyncio.create_task(read(watch(loop, 0)))
            await asyncio.sleep(5.0)
            fail()
            with pytest.raises(LookupError, match="planted"):
                await reading
            await asyncio.sleep(5.0)
            return []

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == []


def test_closing_ends_all_watches_with_an_error() -> None:
    """A watch that is still being read raises, and so does a later one."""
    api = Api(lambda _: "ready", latency=5.0)

    async def main() -> None:
        async with Loop(api.probe, Random(1), clock, request_timeout=10.0) as loop:
            reading = [asyncio.create_task(read(watch(loop, number))) for number in range(2)]
            await asyncio.sleep(7.0)
        results = await asyncio.gather(*reading, return_exceptions=True)
        assert all(isinstance(result, WatcherError) for result in results)
        with pytest.raises(WatcherError, match="closed"):
            await read(watch(loop, 0))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert api.cancelled


def test_a_watch_does_not_outlive_the_task_of_the_loop() -> None:
    """If the program cancels all tasks but its own, a watch raises instead of waiting forever."""
    api = Api(lambda _: "ready")

    async def use(loop: Loop) -> None:
        own = {asyncio.current_task(), *asyncio.all_tasks()}
        reading = asyncio.create_task(read(watch(loop, 0)))
        await asyncio.sleep(5.0)
        for task in own - {asyncio.current_task()}:
            assert task is not None
            task.cancel()
        with pytest.raises(WatcherError, match="closed"):
            await reading

    run(api, use)


def test_a_watch_that_is_over_when_the_loop_closes_ends_normally() -> None:
    """A consumer that reads the last events after the close gets all of them, and no error."""
    api = Api(lambda _: "complete")

    async def main() -> list[Event]:
        seen: list[Event] = []

        async def slowly(watching: Watch) -> None:
            async with aclosing(watching.events()) as events:
                async for event in events:
                    seen.append(event)
                    await asyncio.sleep(10.0)

        async with Loop(api.probe, Random(1), clock, request_timeout=10.0) as loop:
            reading = asyncio.create_task(slowly(watch(loop, 0)))
            await asyncio.sleep(5.0)
        await reading
        return seen

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert outcomes(runner.run(main())) == [Outcome.COMPLETE]


def test_a_cancellation_during_a_cleanup_waits_for_it() -> None:
    """However often the caller is cancelled, the cleanup ends first; then the cancellation takes effect."""
    ended: list[float] = []

    async def clean_up() -> None:
        await asyncio.sleep(5.0)
        ended.append(asyncio.get_running_loop().time())

    async def main() -> float:
        task = asyncio.create_task(finish(clean_up()))
        for _ in range(3):
            await asyncio.sleep(1.0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == pytest.approx(5.0)
    assert ended == [pytest.approx(5.0)]


def test_the_limit_of_the_api_is_shared() -> None:
    """Forty watches that begin together send one request until the first reply."""
    api = Api(lambda now: "complete" if now > 60 else "ready")

    async def use(loop: Loop) -> list[list[Event]]:
        return await asyncio.gather(*(read(watch(loop, number)) for number in range(40)))

    ended = run(api, use)
    assert [outcomes(events) for events in ended] == [[Outcome.COMPLETE]] * 40
    assert len([moment for moment, _ in api.asked if moment < LATENCY]) == 1


def test_watches_come_and_go_without_leaving_anything_behind() -> None:
    """After three hundred watches that were left early, the agenda is empty."""
    api = Api(lambda _: "ready")
    policy = Policy(min_interval=500.0, max_interval=500.0)

    async def use(loop: Loop) -> int:
        for number in range(300):
            async with aclosing(watch(loop, number, policy=policy).events()) as events:
                async for event in events:
                    if isinstance(event, Changed):
                        break
        return len(loop._fleet._agenda._sleeping)  # noqa: SLF001 (nothing else shows it)

    assert run(api, use) < 100
    assert len(api.asked) == 300


def test_an_ended_watch_reports_each_import_once() -> None:
    """A watch with an import of another watch ends by its own rules."""
    api = Api(lambda now: "complete" if now > 5 else "ready")
    until_ready = Terms(Policy(once=True), succeeds)

    async def use(loop: Loop) -> tuple[list[Event], list[Event]]:
        once = read(Watch(loop, refs(2), until_ready))
        return await asyncio.gather(read(watch(loop, 0, 1)), once)

    whole, once = run(api, use)
    assert outcomes(whole) == [Outcome.COMPLETE] * 2
    assert outcomes(once) == [Outcome.PENDING] * 2
    assert len([event for event in whole if isinstance(event, Ended)]) == 2
