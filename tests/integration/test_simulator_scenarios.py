"""The simulator's scenarios over real sockets: which response each read of an import gets."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.simulator_client import FROZEN, client, create
from watcher.simulator import SCENARIOS, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES = {stage.status for stage in SCENARIOS["flaky"].stages}


@dataclass(frozen=True)
class Answer:
    """The result of one read.

    Attributes:
        what: The import's status, the HTTP status, or the name of the client's exception.
        headers: The response headers.
        received: Unix time of the response, in seconds.
    """

    what: str
    headers: Mapping[str, str]
    received: float


async def read(session: aiohttp.ClientSession, url: str) -> Answer:
    """Read an import once."""
    try:
        async with session.get(url) as response:
            body = await response.read()
            what = str(response.status)
            if response.status == 200 and response.content_type == "application/json":
                what = (await response.json())["status"]
    except aiohttp.ClientError as error:
        return Answer(type(error).__name__, {}, time.time())
    assert (response.content_type == "text/html") == body.startswith(b"<")
    return Answer(what, response.headers, time.time())


async def read_times(scenario: str, count: int, speed: float) -> list[Answer]:
    """Create an import and read it `count` times without a pause."""
    async with (
        serve(scenario=scenario, speed=speed) as base_uri,
        client(base_uri) as session,
    ):
        url = await create(session)
        return [await read(session, url) for _ in range(count)]


async def read_until(scenario: str, last: str, speed: float) -> list[str]:
    """Create an import, read it until the last answer, and return the answers without repetitions."""
    seen: list[str] = []
    async with (
        asyncio.timeout(10),
        serve(scenario=scenario, speed=speed) as base_uri,
        client(base_uri) as session,
    ):
        url = await create(session)
        while last not in seen:
            answer = await read(session, url)
            if not seen or seen[-1] != answer.what:
                seen.append(answer.what)
            await asyncio.sleep(0.002)
    return seen


@pytest.mark.parametrize(
    ("scenario", "answers"),
    [
        ("happy", ["preparing", "ready", "in_progress", "complete"]),
        ("stopped", ["preparing", "ready", "in_progress", "stopped"]),
        ("stuck", ["preparing", "ready", "in_progress"]),
        ("vanish", ["preparing", "ready", "404"]),
        ("unknown-status", ["preparing", "validating", "ready", "in_progress", "complete"]),
        ("approval", ["preparing", "pending_approval"]),
    ],
)
def test_answers_in_order(scenario: str, answers: list[str]) -> None:
    """A client that polls fast sees every status of a scenario without faults, in order."""
    assert asyncio.run(read_until(scenario, answers[-1], speed=20)) == answers


def test_throttled() -> None:
    """Four reads in a row get 429, each with different headers."""
    answers = asyncio.run(read_times("throttled", 7, FROZEN))
    assert [answer.what for answer in answers] == ["preparing", *["429"] * 4, "preparing", "preparing"]
    names = ("X-Ratelimit-Global-Remaining", "X-Ratelimit-Auth-Token-Remaining", "Retry-After")
    assert [[answer.headers.get(name) for name in names] for answer in answers[1:5]] == [
        [None, None, None],
        ["0", None, None],
        [None, "0", None],
        [None, None, "1"],
    ]
    for answer, name in zip(answers[2:4], ("X-Ratelimit-Reset", "X-Ratelimit-Auth-Token-Reset"), strict=True):
        assert 0 < int(answer.headers[name]) / 1000 - answer.received <= 1.001


def test_flaky() -> None:
    """Each fault comes once, at its own read, with good answers in between.

    This client sees the two drops as one, because it silently repeats a GET once.
    """
    answers = asyncio.run(read_times("flaky", 13, 50))
    whats = ["good" if answer.what in STATUSES else answer.what for answer in answers]
    assert whats == [
        "good",
        "500",
        "502",
        "good",
        "ServerDisconnectedError",
        "ClientPayloadError",
        "good",
        "503",
        "200",
        *["good"] * 4,
    ]
    assert answers[7].headers["Retry-After"] == "1"
    assert answers[9].received - answers[8].received >= 0.04


def test_faults_are_counted_for_each_import() -> None:
    """Two imports that are read alternately meet their faults independently."""

    async def main() -> None:
        async with (
            serve(scenario="flaky", speed=5000) as base_uri,
            client(base_uri) as session,
        ):
            first = await create(session)
            await asyncio.sleep(0.01)
            second = await create(session)
            answers = [(await read(session, url)).what for url in (first, second, first, second)]
            assert answers[2:] == ["500", "500"]

    asyncio.run(main())


def test_demo() -> None:
    """A client that polls once a second sees every status of the demo, one 429 and one other fault."""

    async def main() -> None:
        speed = 10
        answers: list[Answer] = []
        async with (
            serve(scenario="demo", speed=speed) as base_uri,
            client(base_uri) as session,
        ):
            url = await create(session)
            while not answers or answers[-1].what != "complete":
                answers.append(await read(session, url))
                await asyncio.sleep(1 / speed)
        whats = [answer.what for answer in answers]
        assert list(dict.fromkeys(what for what in whats if not what.isdigit())) == [
            "preparing",
            "pending_approval",
            "ready",
            "in_progress",
            "complete",
        ]
        assert [what for what in whats if what.isdigit()] == ["502", "429"]
        throttled = answers[whats.index("429")]
        assert throttled.headers["Retry-After"] == "1"

    asyncio.run(main())
