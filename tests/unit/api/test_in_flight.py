"""Tests of the timeouts of requests in flight."""

from __future__ import annotations

import asyncio
import gc
import math
import resource
import time
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from watcher.api.in_flight import MAX_IN_FLIGHT, InFlight
from watcher.core.answers.replies import Answer, Fault
from watcher.core.fleet.agenda import Poll
from watcher.core.messages import faults
from watcher.core.model import ImportRef, Instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def poll(number: int) -> Poll:
    """Return a poll of an import."""
    return Poll(ImportRef("p", "e", "s", str(number)), [])


async def never_respond(_ref: ImportRef, _fresh: bool) -> Answer | Fault:
    """Probe a server that never responds."""
    await asyncio.sleep(1e9)
    raise AssertionError


def run_on_virtual_time(
    run: Callable[[VirtualLoop, Callable[[], Instant]], Awaitable[Answer | Fault]],
) -> tuple[Answer | Fault, float]:
    """Run a coroutine on virtual time, and return its result and the seconds it took."""
    loop = VirtualLoop()

    async def main() -> Answer | Fault:
        return await run(loop, lambda: Instant(loop.time(), 0.0))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main()), loop.time()


def test_a_request_that_times_out_before_it_starts_is_a_fault() -> None:
    """A pause of the process between sending and starting a request costs that request, not the watch."""

    async def run() -> list[Answer | Fault]:
        loop = asyncio.get_running_loop()
        paused = 0.0

        def now() -> Instant:
            return Instant(loop.time() + paused, 0.0)

        in_flight = InFlight(never_respond, now, 0.02, lambda: None)
        in_flight.send(poll(1))

        def send_and_pause() -> None:
            nonlocal paused
            in_flight.send(poll(2))
            paused = 0.3

        loop.call_later(0.01, send_and_pause)
        time.sleep(0.05)  # noqa: ASYNC251 (both timers are due in one turn of the loop then)
        collected: list[Answer | Fault] = []
        while len(collected) < 2:
            await asyncio.sleep(0.01)
            collected += [answer for _, answer, _, _ in in_flight.collect()]
        await in_flight.close()
        return collected

    assert all(isinstance(answer, Fault) for answer in asyncio.run(asyncio.wait_for(run(), 5)))


@pytest.mark.parametrize(
    ("request_timeout", "detail", "timed_out_after"),
    [(7.0, faults.response_timeout(7.0), 7.0), (math.inf, faults.NO_RESPONSE_BEFORE_END, 3610.0)],
)
def test_a_request_times_out(request_timeout: float, detail: str, timed_out_after: float) -> None:
    """A request ends after its timeout; without one, 10 s after the deadline of its wait."""

    async def run(_loop: VirtualLoop, now: Callable[[], Instant]) -> Answer | Fault:
        finished = asyncio.Event()
        in_flight = InFlight(never_respond, now, request_timeout, finished.set)
        one = poll(1)
        one.deadline = now().monotonic + 3600
        in_flight.send(one)
        assert in_flight.next_timeout == now().monotonic + timed_out_after
        await finished.wait()
        ((collected, answer, _, _),) = in_flight.collect()
        assert collected is one
        await in_flight.close()
        return answer

    answer, elapsed = run_on_virtual_time(run)
    assert isinstance(answer, Fault)
    assert answer.detail == detail
    assert elapsed == pytest.approx(timed_out_after, abs=0.5)


def test_a_response_that_arrived_while_the_process_was_paused_counts() -> None:
    """After a pause longer than the timeout, as of a suspended machine, a response that arrived is read."""
    response = Answer(200, {}, b"")

    async def respond_in_time(_ref: ImportRef, _fresh: bool) -> Answer | Fault:
        await asyncio.sleep(1.5)
        return response

    async def run(loop: VirtualLoop, now: Callable[[], Instant]) -> Answer | Fault:
        finished = asyncio.Event()
        in_flight = InFlight(respond_in_time, now, 2.0, finished.set)
        in_flight.send(poll(1))
        loop.call_later(1.0, loop.work, 3600.0)
        await finished.wait()
        ((_, answer, _, _),) = in_flight.collect()
        await in_flight.close()
        return answer

    assert run_on_virtual_time(run)[0] is response


def test_a_process_that_is_paused_again_and_again_still_times_out() -> None:
    """A request gets extra time only once, so a throttled container does not wait without limit."""

    async def run(loop: VirtualLoop, now: Callable[[], Instant]) -> Answer | Fault:
        def stutter() -> None:
            loop.work(0.7)
            loop.call_later(0.05, stutter)

        finished = asyncio.Event()
        in_flight = InFlight(never_respond, now, 1.0, finished.set)
        in_flight.send(poll(1))
        stutter()
        await finished.wait()
        ((_, answer, _, _),) = in_flight.collect()
        await in_flight.close()
        return answer

    answer, elapsed = run_on_virtual_time(run)
    assert isinstance(answer, Fault)
    assert elapsed < 5


@pytest.mark.parametrize(
    ("allowed", "capacity"),
    [(60, 20), (1024, MAX_IN_FLIGHT), (8, 1), (resource.RLIM_INFINITY, MAX_IN_FLIGHT)],
)
def test_requests_leave_file_descriptors_for_reports(
    monkeypatch: pytest.MonkeyPatch, allowed: int, capacity: int
) -> None:
    """The number of requests in flight depends on the limit of open files."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert InFlight(never_respond, lambda: Instant(0, 0), 1.0, lambda: None).capacity == capacity


def test_an_error_that_nobody_collects_is_not_logged() -> None:
    """The library logs nothing, also if a watch ends at the moment at which a request fails."""
    logged: list[dict[str, object]] = []

    async def fail(_ref: ImportRef, _fresh: bool) -> Answer | Fault:
        raise LookupError("planted")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: logged.append(context))
        in_flight = InFlight(fail, lambda: Instant(loop.time(), 0.0), 10.0, lambda: None)
        in_flight.send(poll(1))
        await asyncio.sleep(0.01)
        await in_flight.close()
        del in_flight
        gc.collect()

    asyncio.run(run())
    assert logged == []
