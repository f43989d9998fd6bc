"""Requests under way: given up in time, whatever the process went through."""

from __future__ import annotations

import asyncio
import time
from random import Random

from tests.simulation.virtual import VirtualLoop
from watcher.api.in_flight import InFlight
from watcher.core.answers.replies import Answer, Fault
from watcher.core.fleet.agenda import ScheduledImport
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.wait.waiter import Waiter


def watched(number: int, now: Instant) -> ScheduledImport:
    """An import that is about to be asked for."""
    return ScheduledImport(Waiter(ImportRef("p", "e", "s", str(number)), Policy(), now, Random(0)))


def test_a_request_that_is_given_up_before_it_began_is_a_fault() -> None:
    """A pause of the process right after a request was planned costs that request, and not the watch."""

    async def run() -> list[Answer | Fault]:
        loop = asyncio.get_running_loop()
        paused = 0.0

        def now() -> Instant:
            return Instant(loop.time() + paused, 0.0)

        async def hang(_ref: ImportRef) -> Answer | Fault:
            never: asyncio.Future[Answer | Fault] = loop.create_future()
            return await never

        in_flight = InFlight(hang, now, 0.02, lambda: None)
        in_flight.send(watched(1, now()))

        def send_and_pause() -> None:
            nonlocal paused
            in_flight.send(watched(2, now()))
            paused = 0.3

        loop.call_later(0.01, send_and_pause)
        time.sleep(0.05)  # noqa: ASYNC251 (both timers are due in one turn of the loop then)
        answers: list[Answer | Fault] = []
        while len(answers) < 2:
            await asyncio.sleep(0.01)
            answers += [answer for _, answer, _ in in_flight.land()]
        await in_flight.close()
        return answers

    assert all(isinstance(answer, Fault) for answer in asyncio.run(asyncio.wait_for(run(), 5)))


def test_an_answer_that_came_while_the_process_stood_still_is_taken() -> None:
    """After a pause that outlasts the request, as of a machine put to sleep, what came meanwhile is read."""
    answer = Answer(200, {}, b"")

    async def answer_in_time(_ref: ImportRef) -> Answer | Fault:
        await asyncio.sleep(1.5)
        return answer

    async def run() -> Answer | Fault:
        def now() -> Instant:
            return Instant(loop.time(), 0.0)

        landed = asyncio.Event()
        in_flight = InFlight(answer_in_time, now, 2.0, landed.set)
        in_flight.send(watched(1, now()))
        loop.call_later(1.0, loop.work, 3600.0)
        await landed.wait()
        ((_, came, _),) = in_flight.land()
        await in_flight.close()
        return came

    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(run()) is answer


def test_a_process_that_stands_still_again_and_again_gives_up_all_the_same() -> None:
    """An answer gets more time once; a throttled container does not wait for it without end."""

    async def hang(_ref: ImportRef) -> Answer | Fault:
        await asyncio.sleep(1e9)
        raise AssertionError

    async def run() -> float:
        def stutter() -> None:
            loop.work(0.7)
            loop.call_later(0.05, stutter)

        landed = asyncio.Event()
        in_flight = InFlight(hang, lambda: Instant(loop.time(), 0.0), 1.0, landed.set)
        in_flight.send(watched(1, Instant(loop.time(), 0.0)))
        stutter()
        await landed.wait()
        await in_flight.close()
        return float(loop.time())

    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(run()) < 5
