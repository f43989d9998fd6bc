"""One request, or a whole watch, of the real client against a server that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from tests.support.fault_server import playing
from tests.support.faults import REF, TOKEN, FaultCase
from watcher.api.client import Client
from watcher.api.in_flight import InFlight
from watcher.api.token import FixedToken, Secret
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import Answer, Fault
from watcher.core.events import Ended, MetThrottle, Retrying
from watcher.core.fleet.agenda import ScheduledImport
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.core.wait.waiter import Waiter
from watcher.loop import Watch, system_clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from tests.support.fault_server import Play
    from watcher.core.answers.replies import Reply
    from watcher.core.events import Event

_Result = TypeVar("_Result")
Results: TypeAlias = dict[str, _Result | BaseException]
"""What came of the lines of the table by their names, be it an exception."""

ABREAST = 10
"""Lines of the table that are played at a time: most of what they do is wait."""

SHORT_TIMEOUT = 0.6
LONG_TIMEOUT = 15.0
"""A request timeout that a loaded machine does not reach."""


def client_of(base_uri: str) -> Client:
    """Makes a client with the token of the tests."""
    return Client(base_uri, FixedToken(Secret(TOKEN)))


async def ask(client: Client, request_timeout: float = LONG_TIMEOUT) -> Reply:
    """Asks once as the loop does, and checks that nothing but an answer or a fault comes back."""
    landed = asyncio.Event()
    in_flight = InFlight(client.get, system_clock, request_timeout, landed.set)
    in_flight.send(ScheduledImport(Waiter(REF, Policy(), system_clock(), Random(0))))
    await landed.wait()
    ((_, came, _),) = in_flight.collect()
    await in_flight.close()
    assert isinstance(came, Answer | Fault)
    return decode(REF, came) if isinstance(came, Answer) else came


def quick(*, outage_budget: float = 30.0, timeout: float = 30.0, interval: float = 0.005) -> Policy:
    """Makes the rules of a wait that polls faster than any user's."""
    return Policy(
        outage_budget=outage_budget,
        timeout=timeout,
        appear_within=0,
        min_interval=interval,
        max_interval=max(interval, 0.02),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a watch.

    Attributes:
        end: Its last event.
        elapsed: Its length in seconds.
        requests: The heads of the requests that the server read.
        connections: How many connections the server got.
    """

    events: tuple[Event, ...]
    elapsed: float
    requests: tuple[bytes, ...]
    connections: int

    @property
    def end(self) -> Ended:
        """The end."""
        end = self.events[-1]
        assert isinstance(end, Ended)
        return end

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.end.outcome


async def watch(*script: Play, policy: Policy, request_timeout: float = LONG_TIMEOUT) -> Seen:
    """Watches one import whose server plays a script, the last play again and again."""
    began = time.monotonic()
    async with playing(*script) as server, client_of(server.base_uri) as client:
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE, request_timeout=request_timeout)
        async with aclosing(Watch([REF], terms, client.get, Random(0)).events()) as events:
            seen = tuple([event async for event in events])
    return Seen(seen, time.monotonic() - began, tuple(server.requests), server.connections)


async def first_trouble(
    *script: Play, request_timeout: float = LONG_TIMEOUT
) -> MetThrottle | Retrying | Ended:
    """Watches until the first refusal or fault, or to the end, without sitting out what follows from it."""
    async with playing(*script) as server, client_of(server.base_uri) as client:
        policy = quick(timeout=3600.0, outage_budget=300.0)
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE, request_timeout=request_timeout)
        async with aclosing(Watch([REF], terms, client.get, Random(0)).events()) as events:
            async for event in events:
                if isinstance(event, MetThrottle | Retrying | Ended):
                    return event
    raise AssertionError("a watch ends with an end")


class _Complaints(logging.Handler):
    """Keeps what the libraries log, which would go to standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Checks that no library warns of anything, which would go to standard error."""
    complaints = _Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(complaints)
    assert complaints.told == []


def play_all(
    faults: Sequence[FaultCase], play: Callable[[FaultCase], Awaitable[_Result]]
) -> Results[_Result]:
    """Plays the lines of the table side by side.

    Args:
        faults: The lines.
        play: What to do with one.

    Returns:
        What came of each by its name, be it an exception.
    """

    async def run() -> list[_Result | BaseException]:
        turn = asyncio.Semaphore(ABREAST)

        async def wait_and_play(fault: FaultCase) -> _Result:
            async with turn:
                return await play(fault)

        return await asyncio.gather(*map(wait_and_play, faults), return_exceptions=True)

    with silent_libraries():
        results = asyncio.run(run())
    return {fault.name: result for fault, result in zip(faults, results, strict=True)}


def result_of(fault: FaultCase, results: Results[_Result]) -> _Result:
    """Gives what came of one line, or raises what it raised."""
    result = results[fault.name]
    if isinstance(result, BaseException):
        raise result
    return result
