"""Requests and watches of the real client against a fault server."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

from tests.support.fault_server import playing
from tests.support.faults import REF
from tests.support.processes import TOKEN
from tests.support.watching import SingleWatch
from watcher.api.client import Client
from watcher.api.in_flight import InFlight
from watcher.api.token import Secret
from watcher.api.token_sources import TokenSource
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import Answer, Fault
from watcher.core.events import Ended, MetThrottle, Retrying
from watcher.core.fleet.agenda import Poll
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import Outcome
from watcher.loop.loop import system_clock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from tests.support.fault_server import Play
    from watcher.core.answers.replies import Reply
    from watcher.core.events import Event

_Result = TypeVar("_Result")

SHORT_TIMEOUT = 0.6
LONG_TIMEOUT = 15.0
"""A request timeout that is long enough for a loaded machine."""


def client_of(base_uri: str) -> Client:
    """Return a client with the tests' token."""
    return Client(base_uri, TokenSource(Secret(TOKEN)))


async def ask(client: Client, request_timeout: float = LONG_TIMEOUT) -> Reply:
    """Send one request as the loop does, and check that the result is an answer or a fault."""
    landed = asyncio.Event()
    in_flight = InFlight(client.get, system_clock, request_timeout, landed.set)
    in_flight.send(Poll(REF, []))
    await landed.wait()
    ((_, came, _, _),) = in_flight.collect()
    await in_flight.close()
    assert isinstance(came, Answer | Fault)
    return decode(REF, came) if isinstance(came, Answer) else came


def quick(*, outage_budget: float = 30.0, timeout: float = 30.0, interval: float = 0.005) -> Policy:
    """Return a policy that polls very fast."""
    return Policy(
        outage_budget=outage_budget,
        timeout=timeout,
        appear_within=0,
        min_interval=interval,
        max_interval=max(interval, 0.02),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The events of a watch, and its traffic.

    Attributes:
        events: All events.
        elapsed: The duration in seconds.
        requests: The heads of all requests.
        connections: The number of connections.
    """

    events: tuple[Event, ...]
    elapsed: float
    requests: tuple[bytes, ...]
    connections: int

    @property
    def end(self) -> Ended:
        """The last event."""
        end = self.events[-1]
        assert isinstance(end, Ended)
        return end

    @property
    def outcome(self) -> Outcome:
        """The outcome."""
        return self.end.outcome


async def watch(*script: Play, policy: Policy, request_timeout: float = LONG_TIMEOUT) -> Seen:
    """Watch one import on a server that plays a script and repeats its last play."""
    began = time.monotonic()
    async with playing(*script) as server, client_of(server.base_uri) as client:
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE, request_timeout=request_timeout)
        async with aclosing(SingleWatch([REF], terms, client.get, Random(0)).events()) as events:
            seen = tuple([event async for event in events])
    return Seen(seen, time.monotonic() - began, tuple(server.requests), server.connections)


async def first_fault(*script: Play, request_timeout: float = LONG_TIMEOUT) -> MetThrottle | Retrying | Ended:
    """Watch until the first 429 or fault, or until the end, and return that event."""
    async with playing(*script) as server, client_of(server.base_uri) as client:
        policy = quick(timeout=3600.0, outage_budget=300.0)
        terms = Terms(policy, lambda outcome: outcome is Outcome.COMPLETE, request_timeout=request_timeout)
        async with aclosing(SingleWatch([REF], terms, client.get, Random(0)).events()) as events:
            async for event in events:
                if isinstance(event, MetThrottle | Retrying | Ended):
                    return event
    raise AssertionError("the watch has no last event")


class _Warnings(logging.Handler):
    """A handler that keeps the warnings of libraries."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Check that no library logs a warning, which would go to standard error."""
    warnings = _Warnings()
    logging.getLogger().addHandler(warnings)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(warnings)
    assert warnings.messages == []


def run(main: Coroutine[object, object, _Result]) -> _Result:
    """Run a coroutine, check that no library logs a warning, and return its result."""
    with silent_libraries():
        return asyncio.run(main)
